using ControlNet.ML.Diffusion;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Torch.Tests.Pipelines;

/// <summary>Control-LoRAs, expanded on their base, are the full control networks that they were made from.</summary>
public sealed class ControlLoraTests
{
    private static readonly LoadOptions Cpu = new() { Device = "cpu" };

    /// <summary>The pipelines of fixtures/beyond with Control-LoRAs whose files are there.</summary>
    public static TheoryData<string> Cases()
    {
        return BeyondPipelines.Cases(setup => BeyondPipelines.HasControls(
            setup, path => Fixtures.Has(path) && File.Exists(Fixtures.Path(path)) && HasMark(Fixtures.Path(path))));

        static bool HasMark(string path)
        {
            using var file = TensorFile.Open(path);
            return file.Entries.ContainsKey("lora_controlnet");
        }
    }

    [Theory, MemberData(nameof(Cases)), Trait("Category", "Parity")]
    public Task Every_step_and_the_image_are_those_of_the_full_network(string name) =>
        BeyondPipelines.CheckAsync(name, (network, model) => ControlNetwork.Load(network, Cpu with { ControlBase = model }));

    [Theory, InlineData("sd1"), InlineData("sdxl"), Trait("Category", "Parity")]
    public void The_residuals_are_those_of_the_full_network(string name)
    {
        Assert.SkipUnless(Fixtures.Has("beyond", "control-lora", name + ".safetensors"), $"No Control-LoRAs in {Fixtures.Root}.");
        var reference = new ReferenceTensors(Fixtures.Path("beyond", "control-lora", "modules.safetensors"));
        var inputs = new ReferenceTensors(Fixtures.Path("beyond", "module-inputs.safetensors"));
        using var network = Load(name, name);
        var xl = name == "sdxl";
        var hint = network.Encode(BeyondPipelines.Tensor(inputs, "condition", byte.MaxValue));
        var (sample, times) = (BeyondPipelines.Tensor(inputs, "sample", 1), inputs.Floats("timestep"));
        var text = new DenoiserInputs
        {
            Text = BeyondPipelines.Tensor(inputs, xl ? "encoder_hidden_states_xl" : "encoder_hidden_states", 1),
            PooledText = xl ? BeyondPipelines.Tensor(inputs, "text_embeds", 1) : null,
            TimeIds = xl ? BeyondPipelines.Tensor(inputs, "time_ids", 1) : null,
        };

        // Rows do not see each other; every row has a timestep of its own.
        var middle = new float[reference.Shape(name + ".mid").Aggregate(1, (product, size) => product * size)];
        for (var row = 0; row < times.Length; row++)
        {
            var all = network.Backend.Residuals(sample, times[row], text, hint)[^1].Values;
            var length = all.Length / times.Length;
            all.AsSpan(row * length, length).CopyTo(middle.AsSpan(row * length));
        }

        Close.Relative(reference.Doubles(name + ".mid"), middle, 2e-5, name + ".mid");
    }

    [Fact]
    public void It_needs_its_own_base()
    {
        Assert.SkipUnless(Fixtures.Has("beyond", "control-lora", "sd1.safetensors"), $"No Control-LoRAs in {Fixtures.Root}.");
        Assert.Contains(
            "sd1.safetensors: is a Control-LoRA, which holds differences only: expected the model whose UNet it was made from",
            Assert.Throws<ControlNetException>(() => ControlNetwork.Load(Fixtures.Path("beyond", "control-lora", "sd1.safetensors"), Cpu)).Message,
            StringComparison.Ordinal);
        Assert.Contains("belongs to another base model", Assert.Throws<ControlNetException>(() => Load("sdxl", "sd1")).Message, StringComparison.Ordinal);
        Assert.Contains("another", Assert.Throws<ControlNetException>(() => Load("sd1", "sdxl")).Message, StringComparison.Ordinal);
    }

    private static ControlNetwork Load(string name, string model) => ControlNetwork.Load(
        Fixtures.Path("beyond", "control-lora", name + ".safetensors"), Cpu with { ControlBase = Fixtures.Path("models", model) });
}
