using ControlNet.ML.Configuration;
using ControlNet.ML.Torch.Benchmarks;
using ControlNet.ML.Torch.Kernels;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Models.Tiling;
using ControlNet.ML.Torch.Native;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Tests.Models;

/// <summary>An autoencoder in strips computes what it computes on whole maps, however narrow the strips are.</summary>
public sealed class TiledAutoencoderTests
{
    // A strip has at least eight rows, however few bytes it may take.
    private const long NarrowStrips = 1;

    public TiledAutoencoderTests() => TorchNative.EnsureLoaded();

    [Property(Arbitrary = [typeof(TiledCase)], MaxTest = 25)]
    public void Strips_give_the_numbers_of_whole_maps(TiledCase test)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var network = RandomWeights.Fill(Unset.On(test.Type, CPU, () => new AutoencoderKL(test.Config)));
        Vary(network);
        var tiled = new TiledAutoencoder(network, test.StripBytes);
        var latents = KernelNoise.Of(test.Type, test.Batch, 4, test.Height, test.Width);
        Near(tiled.Decode(latents), network.Decode(latents), test, "decoded");

        var scale = test.Config.ScaleFactor;
        var image = KernelNoise.Of(test.Type, test.Batch, 3, test.Height * scale, test.Width * scale);
        var (mean, logVariance) = tiled.Encode(image);
        var (wholeMean, wholeLogVariance) = network.Encode(image);
        Near(mean, wholeMean, test, "mean");
        Near(logVariance, wholeLogVariance, test, "log-variance");
    }

    [Fact]
    public void Strips_run_on_measured_kernels()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var network = RandomWeights.Fill(new AutoencoderKL(TiledCase.Autoencoder([16, 32], 1)));
        var latents = KernelNoise.Of(ScalarType.Float32, 1, 4, 24, 9);
        var whole = network.Decode(latents).contiguous();
        ChannelsLast.LayWeights(network);
        Operations.Kernels = new KernelTable();
        try
        {
            Close.Number(0, KernelMeter.Distance(new TiledAutoencoder(network, NarrowStrips).Decode(latents), whole), 1e-5, "distance");
        }
        finally
        {
            Operations.Kernels = null;
        }
    }

    /// <summary>Without the rows beside a strip, and without the norms of the whole map, tiles have seams: this image would show them.</summary>
    [Fact]
    public void Strips_of_an_image_that_differs_from_top_to_bottom_have_no_seams()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var network = RandomWeights.Fill(new AutoencoderKL(TiledCase.Autoencoder([16, 32], 1)));
        var latents = linspace(-3, 3, 32, dtype: ScalarType.Float32).view(1, 1, 32, 1).expand(1, 4, 32, 8).contiguous();
        var (tiled, whole) = (new TiledAutoencoder(network, NarrowStrips).Decode(latents), network.Decode(latents));
        var single = cat([.. Enumerable.Range(0, 4).Select(i => network.Decode(latents.narrow(2, i * 8, 8)))], dim: 2);
        Close.Number(0, KernelMeter.Distance(tiled, whole), 1e-5, "distance of strips");
        Assert.True(KernelMeter.Distance(single, whole) > 0.05, "Images of their own are as good: the test shows nothing.");
    }

    private static void Near(Tensor actual, Tensor expected, TiledCase test, string what) =>
        Close.Number(0, KernelMeter.Distance(actual, expected), test.Type == ScalarType.Float32 ? 1e-5 : 3e-2, $"distance of {what} of {test}");

    /// <summary>Norms and biases of their own for each channel, so that mixing them up shows.</summary>
    private static void Vary(AutoencoderKL network)
    {
        foreach (var parameter in network.parameters().Where(parameter => parameter.ndim == 1))
            parameter.uniform_(0.5, 1.5);
    }

    public sealed record TiledCase(AutoencoderConfig Config, ScalarType Type, int Batch, int Height, int Width, long StripBytes)
    {
        public static Arbitrary<TiledCase> Arbitrary() => (
            from levels in Gen.Choose(1, 3)
            from widths in Gen.Choose(1, 3).ListOf(levels)
            from layers in Gen.Choose(1, 2)
            from type in Gen.Elements(ScalarType.Float32, ScalarType.Float32, ScalarType.BFloat16)
            from batch in Gen.Choose(1, 2)
            from height in Gen.Choose(1, 21)
            from width in Gen.Choose(1, 9)
            from bytes in Gen.Elements(NarrowStrips, 20_000, 200_000)
            select new TiledCase(Autoencoder([.. widths.Select(width => 16 * width)], layers), type, batch, height, width, bytes)).ToArbitrary();

        internal static AutoencoderConfig Autoencoder(int[] widths, int layers) => new()
        {
            BlockOutChannels = widths,
            LayersPerBlock = layers,
            NormNumGroups = 4,
            InChannels = 3,
            OutChannels = 3,
            LatentChannels = 4,
        };
    }
}
