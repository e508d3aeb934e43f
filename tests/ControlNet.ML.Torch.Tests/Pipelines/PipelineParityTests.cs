using System.Text;
using System.Text.Json;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Torch.Tests.Pipelines;

/// <summary>Whole runs against diffusers' pipelines: the latents after every step, and the image.</summary>
[Trait("Category", "Parity")]
public sealed class PipelineParityTests
{
    // Python writes bare infinities, which are no JSON: they go through the manifest as text and back into the scheduler's configuration.
    private static readonly Lazy<JsonDocument> Manifest = new(() => JsonDocument.Parse(
        File.ReadAllText(Fixtures.Path("pipelines", "cases.json")).Replace("-Infinity", "\"-Infinity\"", StringComparison.Ordinal)));

    public static TheoryData<string> Cases() => Fixtures.Cases(
        Fixtures.Has("pipelines", "cases.json") ? Manifest.Value.RootElement.EnumerateObject().Select(c => c.Name) : []);

    [Theory, MemberData(nameof(Cases))]
    public async Task Every_step_and_the_picture_are_diffusers_own(string name)
    {
        Fixtures.SkipIfNothing(name, "pipelines/cases.json");
        var setup = Manifest.Value.RootElement.GetProperty(name);
        var arguments = setup.GetProperty("arguments");
        var tensors = new ReferenceTensors(Fixtures.Path("pipelines", $"{name}.safetensors"));
        var options = Options(setup, arguments, tensors);
        using var model = DiffusionModel.Load(Fixtures.Path("models", setup.GetProperty("model").GetString()!), new LoadOptions { Device = "cpu" });
        var networks = setup.GetProperty("controls").EnumerateArray()
            .Select(control => ControlNetwork.Load(Fixtures.Path("models", control.GetString()!), new LoadOptions { Device = "cpu" })).ToArray();
        try
        {
            var config = SchedulerConfig.Parse(Encoding.UTF8.GetBytes(setup.GetProperty("scheduler").GetRawText().Replace("\"-Infinity\"", "-Infinity", StringComparison.Ordinal)), name);
            GenerationStep? last = null;
            await foreach (var step in model.GenerateSteps(
                arguments.GetProperty("prompt").GetString()!, Controls(networks, arguments, tensors, DefaultScale(setup)), options with { SchedulerConfig = config }))
            {
                CompareLatents(tensors, $"latents.{step.Step}", step.Latents);
                last = step;
            }

            Assert.False(tensors.Has($"latents.{last!.Step + 1}"), "the reference has more steps");
            Close.Relative(tensors.Doubles("image"), last.Image().Pixels.Values, 2e-3, "image");
        }
        finally
        {
            foreach (var network in networks)
                network.Dispose();
        }
    }

    private static void CompareLatents(ReferenceTensors tensors, string name, TensorData latents) =>
        Close.Relative(tensors.Doubles(name), latents.Values, 5e-4, name, floor: 0);

    private static GenerateOptions Options(JsonElement setup, JsonElement arguments, ReferenceTensors tensors) => new()
    {
        NegativePrompt = arguments.TryGetProperty("negative_prompt", out var negative) ? negative.GetString() : null,
        Steps = arguments.GetProperty("num_inference_steps").GetInt32(),
        Guidance = Number(arguments, "guidance_scale", 7.5),
        GuidanceRescale = Number(arguments, "guidance_rescale", 0),
        ClipSkip = arguments.TryGetProperty("clip_skip", out var skip) ? skip.GetInt32() : null,
        Eta = Number(arguments, "eta", 0),
        Seed = setup.GetProperty("generator_seed") is { ValueKind: JsonValueKind.Number } seed ? seed.GetUInt64() : 0,
        Latents = arguments.TryGetProperty("latents", out var latents)
            ? new TensorData(tensors.Floats(latents.GetString()!), tensors.Shape(latents.GetString()!))
            : null,
        Image = arguments.TryGetProperty("strength", out var strength) ? Image(arguments, tensors, strength.GetDouble()) : null,
        Width = tensors.Shape("image")[3],
        Height = tensors.Shape("image")[2],
        Sizes = Sizes(arguments, tensors),
    };

    private static ImageInput Image(JsonElement arguments, ReferenceTensors tensors, double strength)
    {
        var source = arguments.GetProperty("image").GetString()!;
        return new ImageInput(new TensorData(tensors.Floats(source), tensors.Shape(source)))
        {
            Strength = strength,
            Mask = arguments.TryGetProperty("mask_image", out var mask) ? Mask(mask.GetString()!) : null,
            Depth = arguments.TryGetProperty("depth_map", out var depth) ? Depth(depth.GetString()!) : null,
        };

        ImageBuffer Mask(string name)
        {
            var image = new ImageBuffer(tensors.Shape(name)[^1], tensors.Shape(name)[^2], 1);
            foreach (var (i, value) in tensors.Floats(name).Index())
                image.Samples[i] = value > 0 ? byte.MaxValue : (byte)0;
            return image;
        }

        FloatMap Depth(string name) => new(tensors.Shape(name)[^1], tensors.Shape(name)[^2], tensors.Floats(name));
    }

    private static SizeConditioning? Sizes(JsonElement arguments, ReferenceTensors tensors)
    {
        if (!arguments.TryGetProperty("original_size", out _))
            return null;
        int[] image = tensors.Shape("image")[2..];
        int[] Pair(string name, int[] fallback) => arguments.TryGetProperty(name, out var pair) ? [.. pair.EnumerateArray().Select(e => e.GetInt32())] : fallback;
        var (original, corner, target) = (Pair("original_size", image), Pair("crops_coords_top_left", [0, 0]), Pair("target_size", image));
        return new SizeConditioning(original[0], original[1], corner[0], corner[1], target[0], target[1]);
    }

    /// <summary>diffusers' pipelines differ in the scale that they take where none is said.</summary>
    private static double DefaultScale(JsonElement setup) => setup.GetProperty("pipeline").GetString()! switch
    {
        var name when name.EndsWith("ControlNetImg2ImgPipeline", StringComparison.Ordinal) => 0.8,
        var name when name.EndsWith("ControlNetInpaintPipeline", StringComparison.Ordinal) => 0.5,
        _ => 1,
    };

    private static List<ControlInput> Controls(ControlNetwork[] networks, JsonElement arguments, ReferenceTensors tensors, double scale)
    {
        List<ControlInput> controls = [];
        for (var i = 0; i < networks.Length; i++)
        {
            var condition = Each(arguments.TryGetProperty("control_image", out var beside) ? beside : arguments.GetProperty("image"), i).GetString()!;
            controls.Add(new ControlInput(networks[i], new TensorData(tensors.Floats(condition), tensors.Shape(condition)))
            {
                Unit = new ControlUnit
                {
                    Scale = Number(arguments, "controlnet_conditioning_scale", scale, i),
                    Start = Number(arguments, "control_guidance_start", 0, i),
                    End = Number(arguments, "control_guidance_end", 1, i),
                    Weighting = arguments.TryGetProperty("guess_mode", out var guess) && guess.GetBoolean() ? ControlWeighting.GuessLogspace : ControlWeighting.Uniform,
                },
            });
        }

        return controls;
    }

    private static JsonElement Each(JsonElement value, int index) => value.ValueKind == JsonValueKind.Array ? value[index] : value;

    private static double Number(JsonElement arguments, string name, double fallback, int index = 0) =>
        arguments.TryGetProperty(name, out var value) ? Each(value, index).GetDouble() : fallback;
}
