using System.Globalization;
using ControlNet.ML.Conditions;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Evaluation;
using ControlNet.ML.Imaging;
using ControlNet.ML.Torch.Benchmarks;

namespace ControlNet.ML.Cli.Benchmarks;

/// <summary>
/// What each approximation saves and costs: the embedded model with its canny network draws 20 prompts exactly and with each, from the same
/// seeds and conditions. Time is compared within a prompt, with the mean of an exact image before and one after.
/// </summary>
internal static class ApproximationBenchmark
{
    private const int Steps = 20;

    /// <summary>What the embedded model can draw, for benchmarks on it.</summary>
    public static readonly string[] Subjects =
    [
        "panda", "red apple", "tangerine", "pizza", "hamburger", "cactus", "sunflower", "octopus", "penguin", "owl", "fox", "bear",
        "strawberry", "doughnut", "cupcake", "automobile", "bicycle", "rocket", "soccer ball", "hot beverage",
    ];

    private static readonly string[] Approximations =
    [
        "control=2", "control=4", "features=2", "features=3", "features=5", "guidance=0.8", "guidance=0.6", "features=2 guidance=0.8",
        "features=3 guidance=0.6",
    ];

    public static Dictionary<string, object> Run(CancellationToken cancellationToken)
    {
        using var model = DiffusionModel.Load("emoji", new LoadOptions { Device = "cpu", Preload = true }, cancellationToken);
        using var canny = ControlNetwork.Load("emoji/canny", new LoadOptions { Device = "cpu" }, cancellationToken);
        var results = Approximations.ToDictionary(name => name, _ => new Result());
        List<double> exactF1 = [];
        foreach (var (i, subject) in Subjects.Index())
        {
            var prompt = $"{subject}, fluent 3d emoji";

            // The condition is drawn, too, with another seed.
            var condition = Canny.Apply(Draw([], new Approximation(), Subjects.Length + i).Image);
            ControlInput[] controls = [new(canny, condition)];
            var (exact, before) = Draw(controls, new Approximation(), i);
            exactF1.Add(Fidelity(exact));
            List<(Result Result, double Seconds)> timed = [];
            foreach (var (name, result) in results)
            {
                var (image, seconds) = Draw(controls, Approximation.Parse(name.Split(' ')), i);
                timed.Add((result, seconds));
                result.Psnr.Add(PeakSignalToNoise.Compare(exact, image));
                result.Ssim.Add(StructuralSimilarity.Compare(exact, image));
                result.EdgeF1.Add(Fidelity(image));
            }

            var (_, after) = Draw(controls, new Approximation(), i);
            foreach (var (result, seconds) in timed)
                result.Time.Add(seconds / ((before + after) / 2));

            (ImageBuffer Image, double Seconds) Draw(ControlInput[] inputs, Approximation approximation, int seed)
            {
                GeneratedImage? generated = null;
                var options = new GenerateOptions { Steps = Steps, Seed = (ulong)seed, Approximation = approximation };
                var seconds = Timing.Of(() => generated = model.Generate(prompt, inputs, options, cancellationToken));
                return (generated!.Image, seconds);
            }

            double Fidelity(ImageBuffer image) => EdgeFidelity.Compare(condition, Canny.Apply(image)).F1;
        }

        var figures = new Dictionary<string, object>
        {
            ["what"] = $"embedded model with its canny network, {Subjects.Length} prompts, {Steps} steps; time and image relative to the "
                + "exact image's",
            ["exact"] = string.Create(CultureInfo.InvariantCulture, $"edge F1 {exactF1.Average():f3}"),
        };
        foreach (var (name, result) in results)
        {
            figures[name] = string.Create(
                CultureInfo.InvariantCulture,
                $"time {Timing.Median(result.Time):f2}, PSNR {result.Psnr.Average():f1} dB, SSIM {result.Ssim.Average():f3}, "
                    + $"edge F1 {result.EdgeF1.Average():f3}");
        }

        return figures;
    }

    private sealed class Result
    {
        public List<double> Time { get; } = [];

        public List<double> Psnr { get; } = [];

        public List<double> Ssim { get; } = [];

        public List<double> EdgeF1 { get; } = [];
    }
}
