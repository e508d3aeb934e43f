using System.Text;
using System.Text.Json;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Torch.Tests.Pipelines;

/// <summary>The pipelines of fixtures/beyond.</summary>
internal static class BeyondPipelines
{
    private static readonly LoadOptions Cpu = new() { Device = "cpu" };

    /// <summary>The cases that a test takes, by name; none where the fixtures have none.</summary>
    public static TheoryData<string> Cases(Func<JsonElement, bool> takes) => Fixtures.Cases(
        Fixtures.Has("beyond", "cases.json") ? Manifest().EnumerateObject().Where(item => takes(item.Value)).Select(item => item.Name) : []);

    /// <summary>Whether the only parts beside the model are control networks, and each, by its path in the fixtures, is of a kind.</summary>
    public static bool HasControls(JsonElement setup, Predicate<string> isOfKind) => setup.GetProperty("parts").EnumerateObject().All(
        part => part.Name == "controlnet" && part.Value.EnumerateArray().All(path => isOfKind(path.GetString()!)));

    /// <summary>Values of a file as the networks take them.</summary>
    public static TensorData Tensor(ReferenceTensors tensors, string name, float divisor) =>
        new([.. tensors.Floats(name).Select(value => value / divisor)], tensors.Shape(name));

    /// <summary>Generates a case's image and compares all latents and the image with the reference.</summary>
    /// <param name="name">The case.</param>
    /// <param name="load">Loads its control network: the network's path and the model's.</param>
    public static async Task CheckAsync(string name, Func<string, string, ControlNetwork> load)
    {
        Fixtures.SkipIfNothing(name, "beyond/cases.json");
        var setup = Manifest().GetProperty(name);
        var arguments = setup.GetProperty("arguments");
        var inputs = new ReferenceTensors(Fixtures.Path("beyond", "inputs.safetensors"));
        var expected = new ReferenceTensors(Fixtures.Path("beyond", "pipelines", $"{name}.safetensors"));
        var place = Fixtures.Path(setup.GetProperty("model").GetString()!);
        using var model = DiffusionModel.Load(place, Cpu);
        using var network = load(Fixtures.Path(setup.GetProperty("parts").GetProperty("controlnet")[0].GetString()!), place);
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

        // PNDM calls the networks more often than there are steps.
        Assert.True(last!.Step >= options.Steps - 1);
        Assert.False(expected.Has($"latents.{last.Step + 1}"));
        TensorChecks.Compare(expected, "image.checks", 0, last.Image().Pixels.Values, 2e-3);
    }

    private static JsonElement Manifest()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Path("beyond", "cases.json")));
        return document.RootElement.Clone();
    }
}
