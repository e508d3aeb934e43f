using System.Diagnostics;
using ControlNet.ML.Components;
using ControlNet.ML.Imaging;
using ControlNet.ML.Torch.Tests.Native;
using Microsoft.ML;
using Microsoft.ML.Data;
using Xunit.Runner.InProc.SystemConsole;

namespace ControlNet.ML.Torch.Tests.Components;

/// <summary>Another process that loads a model, as a program would that knows ML.NET only. Also the way in for the test runner.</summary>
internal static class LoadProcess
{
    private const string Command = "load-model";

    public static int Main(string[] args) => args switch
    {
        [Command, var folder] => Load(folder),
        [SignalStackTests.Command, var precision] => SignalStackTests.MeetNullReference(precision),
        _ => ConsoleRunner.Run(args).GetAwaiter().GetResult(),
    };

    /// <summary>Applies model.zip in a folder to the first rows.</summary>
    /// <returns>Their images.</returns>
    public static List<(int Id, float[] Values)> Run(string folder, int count)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(LoadProcess).Assembly.Location, Command, folder]) { RedirectStandardError = true };
        start.Environment["OMP_NUM_THREADS"] = "1";
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors);
        return [.. Enumerable.Range(0, count).Select(id => (id, Cells.Of(ImageCodec.Load(Path.Combine(folder, $"{id}.png")))))];
    }

    private static int Load(string folder)
    {
        var ml = new MLContext();
        var model = ml.Model.Load(Path.Combine(folder, "model.zip"), out _);
        var data = model.Transform(ml.Data.LoadFromEnumerable(ImageRows.Rows(0, 1)));
        foreach (var (id, image) in data.GetColumn<MLImage>("Image").Index())
            ImageCodec.SavePng(Path.Combine(folder, $"{id}.png"), image.ToImageBuffer());
        return 0;
    }
}
