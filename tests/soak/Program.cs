using System.Diagnostics;
using System.Globalization;
using ControlNet.ML.Soak;

// Runs rounds for so many minutes and watches what the process holds. The first quarter is for everything that is made once: compiled code,
// heaps, pools. After it, nothing may grow but what TorchSharp itself loses of every module.
if (args is not [var minutesText, ..] || !double.TryParse(minutesText, CultureInfo.InvariantCulture, out var minutes) || minutes <= 0)
{
    Console.Error.WriteLine("usage: scripts/soak.sh MINUTES");
    return 2;
}

const double TorchSharpLosesPerLoad = 0.08e6, HeapsDrift = 48e6;
var rounds = new Rounds(Path.Combine("docs", "images", "panda.png"));
var clock = Stopwatch.StartNew();
Holding? settled = null;
var (round, loadsBefore, lastReport) = (0, 0, TimeSpan.Zero);
while (clock.Elapsed.TotalMinutes < minutes || settled is null)
{
    rounds.Run(round++);
    if (settled is null && clock.Elapsed.TotalMinutes >= minutes / 4)
        (settled, loadsBefore) = (Report(), rounds.Loads);
    else if (clock.Elapsed - lastReport > TimeSpan.FromMinutes(Math.Max(0.25, minutes / 30)))
        Report();
}

var end = Report();
var allowed = HeapsDrift + (TorchSharpLosesPerLoad * (rounds.Loads - loadsBefore));
Console.WriteLine(string.Create(
    CultureInfo.InvariantCulture,
    $"{round} rounds: {rounds.Images} images, {rounds.Conditions} conditions, {rounds.Loads} loads, {rounds.DisposalsInUse} disposals in use; peak {Process.GetCurrentProcess().PeakWorkingSet64 / 1e6:0} MB"));
(string What, double Grown, double Allowed)[] checks =
[
    ("MB resident", (end.Resident - settled.Resident) / 1e6, allowed / 1e6),
    ("MB managed", (end.Managed - settled.Managed) / 1e6, 4),
    ("files", end.Files - settled.Files, 2),
    ("threads", end.Threads - settled.Threads, 4),
    ("tensors", end.Tensors - settled.Tensors, 0),
];
foreach (var (what, grown, most) in checks)
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(grown <= most ? "ok    " : "FAILED")} {what}: {grown:+0.0;-0.0;0} after the first quarter, expected at most {most:0.#}"));
return checks.All(check => check.Grown <= check.Allowed) ? 0 : 1;

Holding Report()
{
    lastReport = clock.Elapsed;
    var now = Holding.Now();
    Console.WriteLine($"{clock.Elapsed:hh\\:mm\\:ss} round {round,4}: {now}");
    return now;
}
