using System.Diagnostics;
using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Cli.Benchmarks;

/// <summary>Time from the start of the process to the PNG: the embedded model with its first control network, 20 steps.</summary>
internal static class Startup
{
    public static Dictionary<string, object> Run(CancellationToken cancellationToken)
    {
        var figures = new Dictionary<string, object> { ["what"] = "embedded model, control, 20 steps, from process start to PNG" };
        var total = (DateTime.Now - Process.GetCurrentProcess().StartTime).TotalSeconds;
        figures["runtime_seconds"] = Math.Round(total, 2);
        var clock = Stopwatch.StartNew();

        using (var folder = ScratchFolder.Create())
        {
            using var model = DiffusionModel.Load("emoji", new LoadOptions { Device = "cpu", Preload = true }, cancellationToken);
            Lap("load_model_seconds");
            var control = ModelNames.EmbeddedControls is [var first, ..] ? first : null;
            using var network = control is null
                ? null
                : ControlNetwork.Load(control, new LoadOptions { Device = "cpu" }, cancellationToken);
            Lap("load_control_seconds");
            var photo = Drawing(model.NativeSize);
            ControlInput[] controls = network is null ? [] : [new ControlInput(network, Canny.Apply(photo))];
            Lap("condition_seconds");
            var denoised = TimeSpan.Zero;
            var generated = model.Generate("tangerine, fluent 3d emoji", controls, new GenerateOptions
            {
                Steps = 20,
                Progress = new DirectProgress<GenerationProgress>(
                    p => denoised = p.Stage == "decode" && p.Done == 0 ? clock.Elapsed : denoised),
            }, cancellationToken);
            figures["text_and_denoise_seconds"] = Math.Round(denoised.TotalSeconds, 2);
            figures["decode_seconds"] = Math.Round((clock.Elapsed - denoised).TotalSeconds, 2);
            total += clock.Elapsed.TotalSeconds;
            clock.Restart();
            ImageCodec.SavePng(folder.File("image.png"), generated.Image, generated.Provenance);
            Lap("write_seconds");
        }

        figures["total_seconds"] = Math.Round(total, 2);
        return figures;

        void Lap(string name)
        {
            figures[name] = Math.Round(clock.Elapsed.TotalSeconds, 2);
            total += clock.Elapsed.TotalSeconds;
            clock.Restart();
        }
    }

    /// <summary>A disc on white.</summary>
    private static ImageBuffer Drawing(int side)
    {
        var image = new ImageBuffer(side, side, 1);
        for (var y = 0; y < side; y++)
        {
            for (var x = 0; x < side; x++)
            {
                var (dx, dy) = (x - (side / 2), y - (side / 2));
                image.Samples[(y * side) + x] = (dx * dx) + (dy * dy) < side * side / 8 ? (byte)60 : (byte)255;
            }
        }

        return image;
    }
}
