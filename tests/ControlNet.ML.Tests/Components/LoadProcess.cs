using System.Diagnostics;
using Microsoft.ML;
using Microsoft.ML.Data;
using Xunit.Runner.InProc.SystemConsole;

namespace ControlNet.ML.Tests.Components;

/// <summary>
/// Another process that loads models, as a program would that knows ML.NET only: nothing here names a component. Also the way in for
/// the test runner.
/// </summary>
internal static class LoadProcess
{
    private const string Command = "load-models";

    public static int Main(string[] args) => args switch
    {
        [Command, var folder] => Load(folder),
        [Internal.StorageProcess.Command, var verb, var place] => Internal.StorageProcess.Do(verb, place),
        _ => ConsoleRunner.Run(args).GetAwaiter().GetResult(),
    };

    /// <summary>Applies every MODEL.zip in a folder to the folder's files.txt.</summary>
    /// <returns>By model: its output column, a value a row.</returns>
    public static Dictionary<string, string[]> Run(string folder)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(LoadProcess).Assembly.Location, Command, folder]) { RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors);
        return Directory.EnumerateFiles(folder, "*.out").ToDictionary(file => Path.GetFileNameWithoutExtension(file)!, File.ReadAllLines);
    }

    private static int Load(string folder)
    {
        var ml = new MLContext();
        var files = File.ReadAllLines(Path.Combine(folder, "files.txt")).Select(file => new FileRow { File = file });
        var photos = ml.Transforms.LoadImages("Photo", folder, "File").Fit(ml.Data.LoadFromEnumerable(Array.Empty<FileRow>()));
        foreach (var model in Directory.EnumerateFiles(folder, "*.zip"))
        {
            var data = ml.Model.Load(model, out _).Transform(photos.Transform(ml.Data.LoadFromEnumerable(files)));
            File.WriteAllLines(Path.ChangeExtension(model, ".out"), data.GetColumn<MLImage?>("Condition").Select(Pixels.Text));
        }

        return 0;
    }
}

internal sealed class FileRow
{
    public string File { get; set; } = "";
}
