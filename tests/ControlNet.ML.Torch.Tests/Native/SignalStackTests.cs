using System.Diagnostics;

namespace ControlNet.ML.Torch.Tests.Native;

/// <summary>
/// After bfloat16 work on a processor with AMX, .NET's handler of null references needs more stack than the runtime gives it. Other
/// processors pass this anyway.
/// </summary>
public sealed class SignalStackTests
{
    public const string Command = "meet-null-reference";

    [Theory]
    [InlineData(Precision.BFloat16)]
    [InlineData(Precision.Float32)]
    public async Task A_null_reference_after_an_image_is_an_exception_and_not_the_end_of_the_process(Precision precision)
    {
        // In another process: this one would die with its tests.
        var start = new ProcessStartInfo("dotnet", [typeof(SignalStackTests).Assembly.Location, Command, precision.ToString()])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True((process.ExitCode, output) == (0, "caught\n"), $"exit code {process.ExitCode}: {output}{await errors}");
    }

    /// <summary>Generates an image, then follows a null reference on the same thread.</summary>
    public static int MeetNullReference(string precision)
    {
        var folder = Fixtures.Path("models", "sd1");
        using (var model = DiffusionModel.Load(folder, new LoadOptions { Device = "cpu", Precision = Enum.Parse<Precision>(precision) }))
            model.Generate("square", new GenerateOptions { Steps = 1, Width = 64, Height = 64 });
        try
        {
            return Length(null);
        }
        catch (NullReferenceException)
        {
            Console.Write("caught\n");
            return 0;
        }
    }

    private static int Length(string? text) => text!.Length;
}
