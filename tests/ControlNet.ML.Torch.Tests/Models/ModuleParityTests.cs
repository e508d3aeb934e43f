using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Native;
using ControlNet.ML.Weights;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Tests.Models;

/// <summary>Every network of fixtures/modules against what diffusers and transformers computed with the same weights.</summary>
[Trait("Category", "Parity")]
public sealed class ModuleParityTests
{
    private const double Tolerance = 2e-5;

    public ModuleParityTests() => TorchNative.EnsureLoaded();

    public static TheoryData<string> Families(string part) => Fixtures.Cases(
        Fixtures.Has("modules")
            ? Directory.EnumerateFiles(Fixtures.Path("modules"), $"*-{part}.safetensors")
                .Select(file => Path.GetFileNameWithoutExtension(file)[..^(part.Length + 1)]).Order(StringComparer.Ordinal)
            : []);

    [Theory, MemberData(nameof(Families), "unet")]
    public void UNet_and_control_networks(string family)
    {
        Fixtures.SkipIfNothing(family, "modules/*-unet.safetensors");
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var reference = new ReferenceTensors(Fixtures.Path("modules", $"{family}-unet.safetensors"));
        using var weights = ModelFolder.Open(Fixtures.Path("models", family)).OpenWeights("unet");
        var config = ModelFolder.Open(Fixtures.Path("models", family)).UNet;
        using var unet = StateDict.Load(() => new UNet2DConditionModel(config), weights, ScalarType.Float32, CPU);

        var sample = Read(reference, "sample");
        var inputs = new UNetInputs(
            Read(reference, "timestep"), Read(reference, "encoder_hidden_states"), ReadIf(reference, "text_embeds"),
            ReadIf(reference, "time_ids"), ReadIf(reference, "timestep_cond"));
        Compare(reference, "output", unet.Forward(sample, inputs));

        foreach (var name in reference.Names.Where(n => n.EndsWith(".condition", StringComparison.Ordinal)).Select(n => n[..^".condition".Length]))
            CompareControl(reference, name, family, unet, sample, inputs);
    }

    [Theory, MemberData(nameof(Families), "vae")]
    public void Autoencoder_both_ways(string family)
    {
        Fixtures.SkipIfNothing(family, "modules/*-vae.safetensors");
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var reference = new ReferenceTensors(Fixtures.Path("modules", $"{family}-vae.safetensors"));
        var folder = ModelFolder.Open(Fixtures.Path("models", family));
        using var weights = folder.OpenWeights("vae");
        using var autoencoder = StateDict.Load(() => new AutoencoderKL(folder.Autoencoder), weights, ScalarType.Float32, CPU);

        var (mean, logVariance) = autoencoder.Encode(Read(reference, "image"));
        Compare(reference, "mean", mean);
        Compare(reference, "logvar", logVariance);
        Compare(reference, "decoded", autoencoder.Decode(Read(reference, "mean")));
    }

    [Theory, MemberData(nameof(Families), "text")]
    public void Text_encoders(string family)
    {
        Fixtures.SkipIfNothing(family, "modules/*-text.safetensors");
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var reference = new ReferenceTensors(Fixtures.Path("modules", $"{family}-text.safetensors"));
        var folder = ModelFolder.Open(Fixtures.Path("models", family));
        foreach (var (part, config, suffix) in new[] { ("text_encoder", folder.TextEncoder, ""), ("text_encoder_2", folder.TextEncoder2, "_2") })
        {
            if (config is null)
                continue;
            using var weights = folder.OpenWeights(part);
            using var encoder = StateDict.Load(() => new ClipTextModel(config), weights, ScalarType.Float32, CPU);
            var output = encoder.Forward(tensor(
                [.. reference.Doubles("input_ids" + suffix).Select(id => (long)id)], [.. reference.Shape("input_ids" + suffix).Select(n => (long)n)]));
            CompareIf(reference, "last_hidden_state" + suffix, output.Last);
            CompareIf(reference, "pooler_output" + suffix, output.Pooled);
            CompareIf(reference, "penultimate" + suffix, output.States[^2]);
            CompareIf(reference, "penultimate_normed" + suffix, encoder.Normalize(output.States[^2]));
            if (reference.Has("text_embeds" + suffix))
                Compare(reference, "text_embeds" + suffix, output.Projected!);
        }
    }

    private static void CompareControl(
        ReferenceTensors reference, string name, string family, UNet2DConditionModel unet, Tensor sample, UNetInputs inputs)
    {
        var folder = ControlFolder.Open(Fixtures.Path("models", $"{family}-control-{name}"));
        using var weights = folder.OpenWeights();
        using var network = StateDict.Load(() => new ControlNetModel(folder.Config), weights, ScalarType.Float32, CPU);

        var hint = network.EncodeCondition(Read(reference, $"{name}.condition"));
        Compare(reference, $"{name}.condition_embedding", hint);

        var residuals = network.Forward(sample, inputs, hint);
        var scaled = residuals.Select((residual, _) => residual * 0.8);
        for (var i = 0; i < scaled.Skips.Count; i++)
            Compare(reference, $"{name}.down.{i}", scaled.Skips[i]);
        Compare(reference, $"{name}.mid", scaled.Middle);
        Compare(reference, $"{name}.output", unet.Forward(sample, inputs, scaled));

        var weightings = ControlNet.ML.Diffusion.ControlWeights.Of(ControlNet.ML.Diffusion.ControlWeighting.GuessLogspace, folder.Config, (int)sample.shape[2]);
        var guessed = residuals.Select((residual, i) => residual * weightings[i]);
        for (var i = 0; i < guessed.Skips.Count; i++)
            Compare(reference, $"{name}.guess_down.{i}", guessed.Skips[i]);
        Compare(reference, $"{name}.guess_mid", guessed.Middle);
    }

    private static Tensor Read(ReferenceTensors reference, string name) =>
        tensor(reference.Floats(name), [.. reference.Shape(name).Select(n => (long)n)]);

    private static Tensor? ReadIf(ReferenceTensors reference, string name) => reference.Has(name) ? Read(reference, name) : null;

    private static void CompareIf(ReferenceTensors reference, string name, Tensor actual)
    {
        if (reference.Has(name))
            Compare(reference, name, actual);
    }

    private static void Compare(ReferenceTensors reference, string name, Tensor actual) =>
        Close.Relative(reference.Doubles(name), actual.ToData().Values, Tolerance, name);
}
