using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace ControlNet.ML.Cli.Tests;

/// <summary>The exit codes of the built tool, as docs/command-line.md lists them.</summary>
public sealed partial class ExitCodeTests
{
    public static TheoryData<int, string[]> Cases => new()
    {
        { 0, ["--help"] },
        { 0, ["--version"] },
        { 0, ["models"] },
        { 0, ["annotate", "photo.png", "--as", "none"] },
        { 1, ["annotate", "missing.png"] },
        { 1, ["generate", "x", "--model", "/nowhere"] },
        { 1, ["score", "merge", "."] },
        { 1, ["annotate", "photo.png", "-o", "no/such/folder/x.png"] },
        { 2, ["generat"] },
        { 2, ["generate"] },
        { 2, ["generate", "x", "--stpes", "5"] },
        { 2, ["generate", "x", "--steps", "0"] },
        { 2, ["generate", "x", "--scheduler", "eulr"] },
        { 2, ["generate", "x", "--photo", "a.png", "--condition", "b.png"] },
        { 2, ["annotate", "photo.png", "-o", "photo.png"] },
        { 2, ["annotate", "photo.png", "--as", "cany"] },
        { 2, ["annotate", "photo.png", "--set", "low=-1"] },
        { 2, ["draw", "depth", "photo.png", "--size", "0"] },
        { 2, ["train", "data", "-o", "run", "--learning-rate", "-1"] },
        { 2, ["bench", "reszie"] },
        { 3, ["annotate", "photo.png", "broken.png"] },
        { 3, ["score", "table.csv", "-o", "run", "--dry-run"] },
    };

    [Theory, MemberData(nameof(Cases))]
    public async Task The_tool_ends_with_the_documented_code(int code, string[] args)
    {
        using var folder = new TemporaryFolder();
        File.Copy(Tool.Photo, folder.File("photo.png"));
        await File.WriteAllTextAsync(folder.File("broken.png"), "no image", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(folder.File("table.csv"), "prompt,steps\na,1\nb,many\n", TestContext.Current.CancellationToken);

        using var process = Process.Start(new ProcessStartInfo("dotnet", [typeof(App).Assembly.Location, .. args])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            WorkingDirectory = folder.File(),
        })!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.True(code == process.ExitCode, $"{process.ExitCode}: {error}{await output}");
        Assert.Equal(code != 0, error.Contains("error: ", StringComparison.Ordinal));
    }

    [Fact]
    public void The_table_of_the_docs_has_the_codes_that_the_tool_has()
    {
        var text = File.ReadAllText(Path.Combine(Fixtures.Checkout, "docs", "command-line.md"));
        Assert.Equal(
            [App.Success, App.Failed, App.Misused, App.SomeFailed, App.Cancelled],
            Row().Matches(text).Select(row => int.Parse(row.Groups[1].Value, CultureInfo.InvariantCulture)));
    }

    [GeneratedRegex(@"^\| (\d+) \|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
