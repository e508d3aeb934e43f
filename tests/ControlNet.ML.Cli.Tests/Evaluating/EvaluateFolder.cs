using ControlNet.ML.Cli.Evaluating;
using ControlNet.ML.Cli.Scoring;
using ControlNet.ML.Cli.Tests.Scoring;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Tests.Evaluating;

/// <summary>A folder with a table, some drawings, and an evaluation of images that a stand-in for the networks makes.</summary>
internal sealed class EvaluateFolder : IDisposable
{
    private readonly ScoreFolder _folder;

    public EvaluateFolder(string table)
    {
        _folder = new ScoreFolder(table);
        for (var i = 0; i < 3; i++)
            ImageCodec.SavePng(_folder.File_($"{i}.png"), Drawing(i));
        Settings = new EvaluateSettings
        {
            Score = _folder.Settings with { Size = new SizeRequest(32, 32), Canny = ["Low=20", "High=60"] },
        };
    }

    public string Out => _folder.Out;

    public PlainBackend Backend => _folder.Backend;

    public EvaluateSettings Settings { get; }

    public string File(params ReadOnlySpan<string> parts) => _folder.File_(parts);

    /// <summary>A disc, 32 pixels wide and high.</summary>
    public static ImageBuffer Drawing(int number)
    {
        var image = new ImageBuffer(32, 32, 3);
        for (var i = 0; i < image.Samples.Length; i++)
        {
            var (x, y) = ((i / 3 % 32) - 16, (i / 96) - 14 - number);
            image.Samples[i] = (x * x) + (y * y) < 100 ? (byte)(40 * (number + (i % 3))) : byte.MaxValue;
        }

        return image;
    }

    public async Task<Answer> RunAsync(Func<EvaluateSettings, EvaluateSettings>? change = null, bool json = false, CancellationToken cancellationToken = default)
    {
        var settings = change?.Invoke(Settings) ?? Settings;
        return await AnswerAsync(terminal => new EvaluateRun(terminal, settings, json).RunAsync(cancellationToken));
    }

    public Task<Answer> RunShardAsync(int index, int count) =>
        RunAsync(settings => settings with { Score = settings.Score with { Shard = new Shard(index, count) } });

    public Task<Answer> MergeAsync() => AnswerAsync(terminal => EvaluateRun.MergeAsync(terminal, Out, json: false, default));

    /// <summary>The lines of evaluation.csv.</summary>
    public string[] Lines() => System.IO.File.ReadAllLines(Path.Combine(Out, "evaluation.csv"));

    public string[] Journal() => System.IO.File.ReadAllLines(Path.Combine(Out, "measures.jsonl"));

    public void Dispose() => _folder.Dispose();

    private static async Task<Answer> AnswerAsync(Func<Terminal, Task<int>> run)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code;
        try
        {
            code = await run(new Terminal(output, error, null));
        }
        catch (Exception e) when (e is ControlNetException or UsageException)
        {
            error.WriteLine(e.Message);
            code = e is UsageException ? App.Misused : App.Failed;
        }

        return new Answer(code, output.ToString(), error.ToString());
    }
}
