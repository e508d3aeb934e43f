using ControlNet.ML.Configuration;
using ControlNet.ML.Torch.Kernels;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Native;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Benchmarks;

/// <summary>Decoding an image by the full-size autoencoder with random weights: as a whole, in strips, and in bfloat16.</summary>
internal static class DecodeBenchmark
{
    /// <param name="repeats">Number of measured rounds of all three, after one for warm-up; medians are reported.</param>
    /// <param name="side">Side of the image in pixels.</param>
    /// <param name="cancellationToken">Checked before each decoding.</param>
    public static DecodeResult Run(int repeats, int side, CancellationToken cancellationToken)
    {
        TorchNative.EnsureLoaded();
        var device = TorchDevice.From(new LoadOptions { Device = "cpu" });
        using var whole = Backend(ScalarType.Float32, default);
        using var strips = Backend(ScalarType.Float32, new MemoryUse(IsTiled: true, IsLow: false));
        using var half = Backend(ScalarType.BFloat16, default);
        TorchBackend[] backends = [whole, strips, half];

        var latents = TensorData.Zeros(1, 4, side / 8, side / 8);
        var random = new Random(0);
        foreach (ref var value in latents.Values.AsSpan())
            value = (random.NextSingle() * 2) - 1;
        List<double>[] seconds = [[], [], []];
        TensorData[] images = [.. backends.Select(backend => backend.DecodeImage(latents))];
        for (var i = 0; i < repeats; i++)
        {
            foreach (var (backend, times) in backends.Zip(seconds))
            {
                cancellationToken.ThrowIfCancellationRequested();
                times.Add(Timing.Of(() => backend.DecodeImage(latents)));
            }
        }

        return new DecodeResult(
            side, Timing.Median(seconds[0]), Ratio(1), Ratio(2), Distance(images[1], images[0]));

        double Ratio(int other) => Timing.Median([.. seconds[other].Zip(seconds[0], (a, b) => a / b)]);

        static double Distance(TensorData image, TensorData expected)
        {
            using var scope = NewDisposeScope();
            return KernelMeter.Distance(image.ToTorch(ScalarType.Float32, CPU), expected.ToTorch(ScalarType.Float32, CPU));
        }

        TorchBackend Backend(ScalarType type, MemoryUse memory) => new(
            device, [], null, new(RandomWeights.Fill(
                Unset.On(type, device.Device, () => new AutoencoderKL(AutoencoderConfig.StableDiffusion15)))), memory: memory);
    }
}

/// <summary>The measurements.</summary>
/// <param name="Side">Side of the image, pixels.</param>
/// <param name="Seconds">Median time of decoding as a whole in float32.</param>
/// <param name="StripsRatio">Median ratio of the time in strips to it, round by round.</param>
/// <param name="HalfRatio">Median ratio of the time in bfloat16 to it.</param>
/// <param name="StripsDistance">Largest difference of the images in strips, as a share of the largest value.</param>
internal sealed record DecodeResult(int Side, double Seconds, double StripsRatio, double HalfRatio, double StripsDistance);
