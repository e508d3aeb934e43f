using ControlNet.ML.Weights;

namespace ControlNet.ML.Onnx.Tests.Export;

/// <summary>The exported autoencoder against diffusers, with the same weights.</summary>
[Trait("Category", "Parity")]
public sealed class AutoencoderGraphTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory, MemberData(nameof(ModuleCases.Autoencoder), MemberType = typeof(ModuleCases))]
    public void Both_ways_are_those_of_diffusers(string family)
    {
        Fixtures.SkipIfNothing(family, "modules/*-vae.safetensors");
        var reference = new ReferenceTensors(Fixtures.Path("modules", $"{family}-vae.safetensors"));
        var model = ModelFolder.Open(Fixtures.Path("models", family));
        using var weights = model.OpenWeights("vae");
        GraphRun.Write(
            _folder.Path,
            weights,
            ("encoder.onnx", AutoencoderEncoderGraph.Build(model.Autoencoder, default)),
            ("decoder.onnx", AutoencoderDecoderGraph.Build(model.Autoencoder, default)));
        foreach (var optimized in new[] { true, false })
        {
            using var encoder = new GraphRun(_folder.File("encoder.onnx"), optimized);
            var (shape, moments) = encoder.Run(GraphRun.Floats("sample", reference, "image"))["latent_parameters"];
            var mean = reference.Shape("mean");
            Assert.Equal([mean[0], 2 * mean[1], mean[2], mean[3]], shape);
            Compare("mean", [.. Half(moments, mean, 0)]);
            Compare("logvar", [.. Half(moments, mean, 1).Select(value => Math.Clamp(value, -30, 20))]);

            using var decoder = new GraphRun(_folder.File("decoder.onnx"), optimized);
            Compare("decoded", decoder.Run(GraphRun.Floats("latent_sample", reference, "mean"))["sample"].Values);
        }

        void Compare(string name, float[] actual) => Close.Relative(reference.Doubles(name), actual, ModuleCases.Tolerance, name);
    }

    /// <summary>One half of the channels of every row.</summary>
    private static IEnumerable<float> Half(float[] moments, int[] mean, int half)
    {
        var length = mean[1] * mean[2] * mean[3];
        return Enumerable.Range(0, mean[0]).SelectMany(row => moments.Skip(((2 * row) + half) * length).Take(length));
    }
}
