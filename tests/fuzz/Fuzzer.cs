using System.Diagnostics;
using System.Globalization;

namespace ControlNet.ML.Fuzz;

/// <summary>Gives inputs to readers until time is up, of which each gets its share. What fails is written to a file of its own.</summary>
/// <param name="readers">The readers.</param>
/// <param name="seed">Of all that is random.</param>
/// <param name="folder">Where inputs that fail are written.</param>
internal sealed class Fuzzer(IReadOnlyList<Reader> readers, int seed, string folder)
{
    /// <summary>Far above what any input of these sizes takes on a busy machine.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(30);

    private const int MostFailures = 20;

    private readonly long[] _counts = new long[readers.Count];
    private readonly long[] _read = new long[readers.Count];
    private readonly long[] _ticks = new long[readers.Count];
    private readonly HashSet<string> _known = [];
    private readonly Lock _gate = new();
    private Case? _current;
    private int _failures;

    /// <summary>Runs.</summary>
    /// <returns>The exit code: 1 if an input failed.</returns>
    public int Run(TimeSpan time)
    {
        Directory.CreateDirectory(folder);
        var clock = Stopwatch.StartNew();
        var worker = new Thread(() => Work(clock, time)) { IsBackground = true };
        worker.Start();
        while (!worker.Join(TimeSpan.FromMilliseconds(200)))
        {
            if (Volatile.Read(ref _current) is { } running && running.Clock.Elapsed > Longest)
            {
                // What does not end cannot be ended from here: the run is over.
                Fail(running.Reader, running.Number, running.Input, "endless", $"is read for over {Longest.TotalSeconds} s");
                break;
            }
        }

        Report(clock.Elapsed);
        return _failures == 0 ? 0 : 1;
    }

    /// <summary>Reads one input again, and lets its exception through.</summary>
    public static int Repeat(IEnumerable<Reader> readers, string file)
    {
        var name = Path.GetFileName(file).Split("--")[0];
        var reader = readers.FirstOrDefault(reader => reader.Name == name);
        if (reader is null)
        {
            Console.Error.WriteLine($"{file}: no reader is called '{name}', expected READER--SEED-NUMBER.bin.");
            return 2;
        }

        var problem = Problem(reader, File.ReadAllBytes(file), out var error);
        Console.WriteLine(problem ?? "is fine");
        Console.WriteLine(error);
        return problem is null ? 0 : 1;
    }

    private void Work(Stopwatch clock, TimeSpan time)
    {
        // The input that is being read lies here if the process dies of it.
        using var last = new FileStream(Path.Combine(folder, "last-input.bin"), FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 1);
        using var name = new StreamWriter(new FileStream(Path.Combine(folder, "last-input.txt"), FileMode.Create, FileAccess.Write, FileShare.Read)) { AutoFlush = true };
        while (clock.Elapsed < time && _failures < MostFailures)
        {
            var index = Array.IndexOf(_ticks, _ticks.Min());
            var (reader, number, begun) = (readers[index], _counts[index], Stopwatch.GetTimestamp());
            var input = reader.Input(seed, number);
            last.SetLength(0);
            last.Write(input);
            name.BaseStream.SetLength(0);
            name.Write(FileName(reader, number));
            Volatile.Write(ref _current, new Case(reader, number, input, Stopwatch.StartNew()));
            var problem = Problem(reader, input, out var error);
            Volatile.Write(ref _current, null);
            _ticks[index] += Stopwatch.GetTimestamp() - begun + 1;
            _counts[index]++;
            _read[index] += error is null ? 1 : 0;
            if (problem is not null)
                Fail(reader, number, input, $"{error?.GetType().Name} {Place(error)}", $"{problem}\n{error}");
        }

        last.SetLength(0);
        name.BaseStream.SetLength(0);
    }

    private static string? Problem(Reader reader, byte[] input, out Exception? error)
    {
        error = null;
        var before = GC.GetTotalAllocatedBytes();
        try
        {
            reader.Read(input);
        }
        catch (Exception e)
        {
            error = e;
        }

        var allocated = GC.GetTotalAllocatedBytes() - before;
        if (error is not null && !reader.Refuses(error))
            return "throws what its reader does not document";
        if (error is ControlNetException && error.Message.Any(char.IsControl))
            return "is refused in a message with control characters";
        return allocated > reader.MostBytes ? string.Create(CultureInfo.InvariantCulture, $"costs {allocated:N0} bytes, expected at most {reader.MostBytes:N0}") : null;
    }

    /// <summary>The first of our own places that an exception passed.</summary>
    private static string Place(Exception? error) =>
        error?.StackTrace?.Split('\n').FirstOrDefault(line => line.Contains("ControlNet.ML", StringComparison.Ordinal) && !line.Contains("Fuzz", StringComparison.Ordinal))?.Trim() ?? "";

    private void Fail(Reader reader, long number, byte[] input, string kind, string what)
    {
        lock (_gate)
        {
            // One input of a kind is enough.
            if (!_known.Add($"{reader.Name} {kind}"))
                return;
            _failures++;
            var file = Path.Combine(folder, FileName(reader, number));
            File.WriteAllBytes(file, input);
            Console.Error.WriteLine($"FAILED: {reader.Name}, {file}: {what}");
            Console.Error.WriteLine($"  again: dotnet run -c Release --project tests/fuzz -- --repeat {file}");
        }
    }

    private string FileName(Reader reader, long number) => string.Create(CultureInfo.InvariantCulture, $"{reader.Name}--{seed}-{number}.bin");

    private void Report(TimeSpan took)
    {
        for (var i = 0; i < readers.Count; i++)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {readers[i].Name,-24} {_counts[i],9:N0} inputs, {_read[i],9:N0} read, {_counts[i] - _read[i],9:N0} refused"));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"fuzz: {_counts.Sum():N0} inputs of {readers.Count} readers in {took.TotalSeconds:f0} s, seed {seed}: {(_failures == 0 ? "none failed" : $"{_failures} kinds of failure")}"));
    }

    private sealed record Case(Reader Reader, long Number, byte[] Input, Stopwatch Clock);
}
