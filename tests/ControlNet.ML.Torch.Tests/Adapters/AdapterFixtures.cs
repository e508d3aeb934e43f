using ControlNet.ML.Adapters;
using ControlNet.ML.Torch.Models;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Tests.Adapters;

/// <summary>The files of fixtures/adapters, and what the networks of a model with adapters compute.</summary>
internal static class AdapterFixtures
{
    /// <summary>Of UNet and text encoder.</summary>
    public const double Tolerance = 2e-5;

    public static string File(string name) => Fixtures.Path("adapters", name);

    public static ReferenceTensors Reference(string name) => new(File(name + ".safetensors"));

    public static DiffusionModel Model(string name = "sd1") =>
        DiffusionModel.Load(Fixtures.Path("models", name), new LoadOptions { Device = "cpu", Preload = true });

    /// <summary>LoRAs as <c>file:weight;file:weight</c>, without folder and extension.</summary>
    public static IReadOnlyList<LoraWeight> Loras(string list) =>
        [.. LoraWeight.ParseList(list).Select(lora => lora with { Name = File($"lora-{lora.Name}.safetensors") })];

    /// <summary>Merges LoRAs into all networks.</summary>
    public static void Set(this DiffusionModel model, string list) =>
        model.Backend.SetLoras(
            ModelParts.All, [.. Loras(list).Select(lora => new WeightedLora(model.LoadLora(lora.Name), lora.Weight))]);

    /// <summary>The UNet's output for a file's inputs.</summary>
    public static float[] UNet(this DiffusionModel model, ReferenceTensors reference)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var inputs = new UNetInputs(
            Read(reference, "timestep"), Read(reference, "encoder_hidden_states"), ReadIf(reference, "text_embeds"),
            ReadIf(reference, "time_ids"), null);
        return ((TorchBackend)model.Backend).UNet.Forward(Read(reference, "sample"), inputs).ToData().Values;
    }

    /// <summary>The output of a text encoder for a file's ids.</summary>
    public static ClipTextOutput Text(this DiffusionModel model, ReferenceTensors reference, int encoder = 0)
    {
        using var _ = no_grad();
        var ids = encoder == 0 ? "input_ids" : "input_ids_2";
        long[] shape = [.. reference.Shape(ids).Select(size => (long)size)];
        return ((TorchBackend)model.Backend).TextEncoders[encoder].Forward(
            tensor(reference.Doubles(ids).Select(id => (long)id).ToArray(), shape));
    }

    /// <summary>All weights of the UNet, in ordinal order of their names.</summary>
    public static IEnumerable<(string Name, float[] Values)> Weights(this DiffusionModel model) =>
        ((TorchBackend)model.Backend).UNet.named_parameters().OrderBy(entry => entry.name, StringComparer.Ordinal)
            .Select(entry => (entry.name, entry.parameter.ToData().Values));

    private static Tensor Read(ReferenceTensors reference, string name) =>
        new TensorData(reference.Floats(name), reference.Shape(name)).ToTorch(ScalarType.Float32, CPU);

    private static Tensor? ReadIf(ReferenceTensors reference, string name) => reference.Has(name) ? Read(reference, name) : null;
}
