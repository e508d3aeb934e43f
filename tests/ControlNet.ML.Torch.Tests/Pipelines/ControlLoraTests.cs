using System.Text;
using System.Text.Json;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Torch.Tests.Pipelines;

/// <summary>Control-LoRAs, expanded on their base, are the full control networks that they were made from.</summary>
public sealed class ControlLoraTests
{
    private static readonly LoadOptions Cpu = new() { Device = "cpu" };

    /// <summary>The pipelines of fixtures/beyond with Control-LoRAs whose files are there.</summary>
    public static TheoryData<string> Cases()
    {
        return Fixtures.Cases(Fixtures.Has("beyond", "cases.json") ? Manifest().EnumerateObject().Where(item => IsLora(item.Value)).Select(item => item.Name) : []);

        static bool IsLora(JsonElement setup) => setup.GetProperty("parts").EnumerateObject().All(part => part.Name == "controlnet"
            && part.Value.EnumerateArray().All(file => Fixtures.Has(file.GetString()!) && File.Exists(Fixtures.Path(file.GetString()!)) && HasMark(Fixtures.Path(file.GetString()!))));

        static bool HasMark(string path)
        {
            using var file = TensorFile.Open(path);
            return file.Entries.ContainsKey("lora_controlnet");
        }
    }

    [Theory, MemberData(nameof(Cases)), Trait("Category", "Parity")]
    public async Task Every_step_and_the_image_are_those_of_the_full_network(string name)
    {
        Fixtures.SkipIfNothing(name, "beyond/cases.json");
        var setup = Manifest().GetProperty(name);
        var arguments = setup.GetProperty("arguments");
        var inputs = new ReferenceTensors(Fixtures.Path("beyond", "inputs.safetensors"));
        var expected = new ReferenceTensors(Fixtures.Path("beyond", "pipelines", $"{name}.safetensors"));
        var place = Fixtures.Path(setup.GetProperty("model").GetString()!);
        using var model = DiffusionModel.Load(place, Cpu);
        using var network = ControlNetwork.Load(
            Fixtures.Path(setup.GetProperty("parts").GetProperty("controlnet")[0].GetString()!), Cpu with { ControlBase = place });
        var options = new GenerateOptions
        {
            NegativePrompt = arguments.GetProperty("negative_prompt").GetString(),
            Steps = arguments.GetProperty("num_inference_steps").GetInt32(),
            Guidance = arguments.GetProperty("guidance_scale").GetDouble(),
            Width = arguments.GetProperty("width").GetInt32(),
            Height = arguments.GetProperty("height").GetInt32(),
            Latents = Tensor(inputs, arguments.GetProperty("latents").GetString()!, 1),
            SchedulerConfig = SchedulerConfig.Parse(Encoding.UTF8.GetBytes(setup.GetProperty("scheduler").GetRawText()), name),
        };
        var control = new ControlInput(network, Tensor(inputs, arguments.GetProperty("image").GetString()!, byte.MaxValue))
        {
            Unit = new ControlUnit { Scale = arguments.GetProperty("controlnet_conditioning_scale").GetDouble() },
        };

        GenerationStep? last = null;
        await foreach (var step in model.GenerateSteps(arguments.GetProperty("prompt").GetString()!, [control], options))
        {
            Close.Relative(expected.Doubles($"latents.{step.Step}"), step.Latents.Values, 5e-4, $"latents.{step.Step}", floor: 0);
            last = step;
        }

        Assert.False(expected.Has($"latents.{last!.Step + 1}"));
        TensorChecks.Compare(expected, "image.checks", 0, last.Image().Pixels.Values, 2e-3);
    }

    [Theory, InlineData("sd1"), InlineData("sdxl"), Trait("Category", "Parity")]
    public void The_residuals_are_those_of_the_full_network(string name)
    {
        Assert.SkipUnless(Fixtures.Has("beyond", "control-lora", name + ".safetensors"), $"No Control-LoRAs in {Fixtures.Root}.");
        var reference = new ReferenceTensors(Fixtures.Path("beyond", "control-lora", "modules.safetensors"));
        var inputs = new ReferenceTensors(Fixtures.Path("beyond", "module-inputs.safetensors"));
        using var network = Load(name, name);
        var xl = name == "sdxl";
        var hint = network.Encode(Tensor(inputs, "condition", byte.MaxValue));
        var (sample, times) = (Tensor(inputs, "sample", 1), inputs.Floats("timestep"));
        var text = new DenoiserInputs
        {
            Text = Tensor(inputs, xl ? "encoder_hidden_states_xl" : "encoder_hidden_states", 1),
            PooledText = xl ? Tensor(inputs, "text_embeds", 1) : null,
            TimeIds = xl ? Tensor(inputs, "time_ids", 1) : null,
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

    private static JsonElement Manifest()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Path("beyond", "cases.json")));
        return document.RootElement.Clone();
    }

    private static TensorData Tensor(ReferenceTensors tensors, string name, float divisor) =>
        new([.. tensors.Floats(name).Select(value => value / divisor)], tensors.Shape(name));
}
