using System.Diagnostics;
using System.Text.Json;

namespace ControlNet.ML.Study.BrowserTests;

/// <summary>The built tool, as processes of its own, with a study in a temporary folder.</summary>
internal sealed class StudyTool : IAsyncDisposable
{
    /// <summary>The height of all images.</summary>
    public const int Height = 96;

    private static readonly string Tool = Environment.GetEnvironmentVariable("CONTROLNET_TOOL")
        ?? throw new InvalidOperationException("CONTROLNET_TOOL names no tool: run tests/acceptance/study.sh.");

    private readonly TemporaryFolder _folder = new();
    private Process? _server;

    /// <summary>The personal links.</summary>
    public IReadOnlyList<string> Links { get; private set; } = [];

    /// <summary>Makes a study of images in one color each. Those of method m are m pixels wider than they are high, by which tests know them.</summary>
    public async Task CreateAsync(int groups, string[] methods, bool withConditions, params string[] more)
    {
        List<string> arguments = ["study", "create", Study, .. more];
        foreach (var (m, method) in methods.Index())
        {
            WriteImages(method, groups, Height + m, group => [(byte)(60 * m), (byte)(40 + (50 * group)), (byte)(200 - (60 * m))]);
            arguments.AddRange(["--method", $"{method}={_folder.File(method)}"]);
        }

        if (withConditions)
        {
            WriteImages("conditions", groups, Height, group => [(byte)(90 * group), 255, 255]);
            arguments.AddRange(["--condition", _folder.File("conditions")]);
        }

        await RunAsync([.. arguments]);
    }

    /// <summary>Starts the page, with this many links.</summary>
    public async Task ServeAsync(int raters)
    {
        _server = Start("study", "serve", Study, "--port", "0", "--raters", $"{raters}", "--json");
        var text = "";
        while (await _server.StandardOutput.ReadLineAsync() is { } line)
        {
            text += line;
            if (line == "}")
                break;
        }

        if (text.Length == 0)
            throw new InvalidOperationException(await _server.StandardError.ReadToEndAsync());
        using var json = JsonDocument.Parse(text);
        Links = [.. json.RootElement.GetProperty("raters").EnumerateArray().Select(rater => rater.GetProperty("link").GetString()!)];
    }

    /// <summary>Ends the page as Ctrl-C does.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> StopAsync()
    {
        using var kill = Process.Start("kill", ["-INT", $"{_server!.Id}"]);
        await _server.WaitForExitAsync();
        var code = _server.ExitCode;
        _server.Dispose();
        _server = null;
        return code;
    }

    /// <summary>What the study found.</summary>
    public async Task<JsonElement> ReportAsync() => JsonDocument.Parse(await RunAsync("study", "report", Study, "--json")).RootElement.GetProperty("figures");

    /// <summary>The rows of the answers, with the header.</summary>
    public async Task<string[]> ExportAsync()
    {
        await RunAsync("study", "export", Study, "--output", _folder.File("answers.csv"));
        return await File.ReadAllLinesAsync(_folder.File("answers.csv"));
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await StopAsync();
        _folder.Dispose();
    }

    private string Study => _folder.File("study");

    private void WriteImages(string folder, int groups, int width, Func<int, byte[]> color)
    {
        Directory.CreateDirectory(_folder.File(folder));
        for (var group = 0; group < groups; group++)
        {
            byte[] row = [.. Enumerable.Repeat(color(group), width).SelectMany(pixel => pixel)];
            File.WriteAllBytes(
                _folder.File(folder, $"{group}.png"), PngWriter.File(width, Height, 8, 2, [.. Enumerable.Repeat(row, Height)], []));
        }
    }

    private static async Task<string> RunAsync(params string[] arguments)
    {
        using var process = Start(arguments);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await error);
        return await output;
    }

    private static Process Start(params string[] arguments) => Process.Start(new ProcessStartInfo("dotnet", [Tool, .. arguments])
    {
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;
}
