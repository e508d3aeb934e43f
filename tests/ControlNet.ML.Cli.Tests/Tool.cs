namespace ControlNet.ML.Cli.Tests;

/// <summary>The tool, called in this process, in a folder of its own.</summary>
internal sealed class Tool : IDisposable
{
    private readonly string _before = Environment.CurrentDirectory;

    public Tool() => Environment.CurrentDirectory = Folder;

    public string Folder { get; } = Directory.CreateTempSubdirectory("controlnet-test-").FullName;

    /// <summary>A clean drawing that lies in the checkout.</summary>
    public static string Photo { get; } = Path.Combine(Fixtures.Checkout, "docs", "images", "panda.png");

    public IEnumerable<string> Files => Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(Folder, f)).Order(StringComparer.Ordinal);

    public async Task<Answer> RunAsync(CancellationToken cancellationToken, params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await App.RunAsync(args, new Terminal(output, error, null), cancellationToken);
        return new Answer(code, output.ToString(), error.ToString());
    }

    public Task<Answer> RunAsync(params string[] args) => RunAsync(default, args);

    public void Dispose()
    {
        Environment.CurrentDirectory = _before;
        Directory.Delete(Folder, recursive: true);
    }
}

internal sealed record Answer(int Code, string Output, string Error);
