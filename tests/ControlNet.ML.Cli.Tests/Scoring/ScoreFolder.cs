using ControlNet.ML.Cli.Scoring;
using ControlNet.ML.Cli.Tables;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Tests.Scoring;

/// <summary>A folder with a table, some images, and what a run makes of them.</summary>
internal sealed class ScoreFolder : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public ScoreFolder(string table, string name = "table.csv")
    {
        Table = _folder.File(name);
        File.WriteAllText(Table, table);
        for (var i = 0; i < 3; i++)
            ImageCodec.SavePng(_folder.File($"{i}.png"), new ImageBuffer(8 + i, 8, 1, [.. Enumerable.Range(0, 8 * (8 + i)).Select(k => (byte)(k * (40 + i)))]));
        File.WriteAllText(_folder.File("broken.png"), "no image");
        Settings = new ScoreSettings
        {
            Table = Table,
            Out = Out,
            Options = new GenerateOptions { Steps = 1, Guidance = 1 },
            Size = new SizeRequest(16, 8),
            Format = "csv",
            Load = new LoadOptions { Backend = Backend },
        };
    }

    public string Table { get; }

    public string Out => _folder.File("out");

    public PlainBackend Backend { get; } = new();

    public ScoreSettings Settings { get; }

    public string File_(params ReadOnlySpan<string> parts) => _folder.File(parts);

    public async Task<Answer> RunAsync(Func<ScoreSettings, ScoreSettings>? change = null, bool dry = false, CancellationToken cancellationToken = default)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var run = new ScoreRun(new Terminal(output, error, null), change?.Invoke(Settings) ?? Settings, json: false);
        int code;
        try
        {
            code = dry ? await run.DryAsync(cancellationToken) : await run.RunAsync(cancellationToken);
        }
        catch (Exception e) when (e is ControlNetException or UsageException)
        {
            error.WriteLine(e.Message);
            code = e is UsageException ? App.Misused : App.Failed;
        }

        return new Answer(code, output.ToString(), error.ToString());
    }

    public string[] Files(string folder) => [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder, file)).Order(StringComparer.Ordinal)];

    /// <summary>The results without the time that a row took, which no two runs share.</summary>
    public static string[][] Results(string file)
    {
        var table = TableReader.Open(file);
        var names = table.Columns.Select(column => column.Name).ToArray();
        int[] columns = [.. Enumerable.Range(0, names.Length).Where(i => names[i] != "seconds")];
        return [[.. columns.Select(i => names[i])], .. table.Read(columns).Select(row => row.Values.Select(ResultColumns.Text).ToArray())];
    }

    public void Dispose() => _folder.Dispose();
}
