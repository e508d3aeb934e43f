using System.Text;
using System.Text.Json;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.TestSupport;

/// <summary>A whole run of one of diffusers' pipelines: its arguments, the latents after every step, and the image.</summary>
public sealed class PipelineCase
{
    // Python writes bare infinities, which are no JSON: they go through the manifest as text and back into the scheduler's configuration.
    private static readonly Lazy<JsonDocument> Manifest = new(() => JsonDocument.Parse(
        File.ReadAllText(Fixtures.Path("pipelines", "cases.json")).Replace("-Infinity", "\"-Infinity\"", StringComparison.Ordinal)));

    private readonly JsonElement _setup, _arguments;
    private readonly ReferenceTensors _tensors;

    public PipelineCase(string name)
    {
        Name = name;
        _setup = Manifest.Value.RootElement.GetProperty(name);
        _arguments = _setup.GetProperty("arguments");
        _tensors = new ReferenceTensors(Fixtures.Path("pipelines", $"{name}.safetensors"));
    }

    public static IEnumerable<string> Names =>
        Fixtures.Has("pipelines", "cases.json") ? Manifest.Value.RootElement.EnumerateObject().Select(entry => entry.Name) : [];

    public string Name { get; }

    public string Model => ModelOf(Name);

    public string[] Controls => ControlsOf(Name);

    public string Prompt => _arguments.GetProperty("prompt").GetString()!;

    public GenerateOptions Options => new()
    {
        NegativePrompt = _arguments.TryGetProperty("negative_prompt", out var negative) ? negative.GetString() : null,
        Steps = _arguments.GetProperty("num_inference_steps").GetInt32(),
        Guidance = Number("guidance_scale", 7.5),
        GuidanceRescale = Number("guidance_rescale", 0),
        ClipSkip = _arguments.TryGetProperty("clip_skip", out var skip) ? skip.GetInt32() : null,
        Eta = Number("eta", 0),
        Seed = _setup.GetProperty("generator_seed") is { ValueKind: JsonValueKind.Number } seed ? seed.GetUInt64() : 0,
        Latents = _arguments.TryGetProperty("latents", out var latents)
            ? new TensorData(_tensors.Floats(latents.GetString()!), _tensors.Shape(latents.GetString()!))
            : null,
        Image = _arguments.TryGetProperty("strength", out var strength) ? Image(strength.GetDouble()) : null,
        Width = _tensors.Shape("image")[3],
        Height = _tensors.Shape("image")[2],
        Sizes = Sizes(),
        SchedulerConfig = SchedulerConfig.Parse(
            Encoding.UTF8.GetBytes(
                _setup.GetProperty("scheduler").GetRawText().Replace("\"-Infinity\"", "-Infinity", StringComparison.Ordinal)),
            Name),
    };

    public static string ModelOf(string name) => Manifest.Value.RootElement.GetProperty(name).GetProperty("model").GetString()!;

    public static string[] ControlsOf(string name) =>
        [.. Manifest.Value.RootElement.GetProperty(name).GetProperty("controls").EnumerateArray().Select(control => control.GetString()!)];

    /// <summary>Whether the case has an argument, such as <c>guess_mode</c>.</summary>
    public static bool Has(string name, string argument) =>
        Manifest.Value.RootElement.GetProperty(name).GetProperty("arguments").TryGetProperty(argument, out _);

    /// <summary>The case's conditions for loaded networks.</summary>
    public IReadOnlyList<ControlInput> Inputs(IReadOnlyList<ControlNetwork> networks)
    {
        List<ControlInput> controls = [];
        for (var i = 0; i < networks.Count; i++)
        {
            var images = _arguments.TryGetProperty("control_image", out var beside) ? beside : _arguments.GetProperty("image");
            var condition = Each(images, i).GetString()!;
            controls.Add(new ControlInput(networks[i], new TensorData(_tensors.Floats(condition), _tensors.Shape(condition)))
            {
                Unit = new ControlUnit
                {
                    Scale = Number("controlnet_conditioning_scale", DefaultScale, i),
                    Start = Number("control_guidance_start", 0, i),
                    End = Number("control_guidance_end", 1, i),
                    Weighting = _arguments.TryGetProperty("guess_mode", out var guess) && guess.GetBoolean()
                        ? ControlWeighting.GuessLogspace
                        : ControlWeighting.Uniform,
                },
            });
        }

        return controls;
    }

    /// <summary>Runs the case and compares every step and the image with diffusers'.</summary>
    public async Task RunAsync(DiffusionModel model, IReadOnlyList<ControlNetwork> networks)
    {
        GenerationStep? last = null;
        await foreach (var step in model.GenerateSteps(Prompt, Inputs(networks), Options))
        {
            var name = $"latents.{step.Step}";
            Close.Relative(_tensors.Doubles(name), step.Latents.Values, 5e-4, name, floor: 0);
            last = step;
        }

        Assert.False(_tensors.Has($"latents.{last!.Step + 1}"), "the reference has more steps");
        Close.Relative(_tensors.Doubles("image"), last.Image().Pixels.Values, 2e-3, "image");
    }

    /// <summary>diffusers' pipelines differ in the scale that they take where none is said.</summary>
    private double DefaultScale => _setup.GetProperty("pipeline").GetString()! switch
    {
        var name when name.EndsWith("ControlNetImg2ImgPipeline", StringComparison.Ordinal) => 0.8,
        var name when name.EndsWith("ControlNetInpaintPipeline", StringComparison.Ordinal) => 0.5,
        _ => 1,
    };

    private ImageInput Image(double strength)
    {
        var source = _arguments.GetProperty("image").GetString()!;
        return new ImageInput(new TensorData(_tensors.Floats(source), _tensors.Shape(source)))
        {
            Strength = strength,
            Mask = _arguments.TryGetProperty("mask_image", out var mask) ? Mask(mask.GetString()!) : null,
            Depth = _arguments.TryGetProperty("depth_map", out var depth) ? Depth(depth.GetString()!) : null,
        };

        ImageBuffer Mask(string name)
        {
            var image = new ImageBuffer(_tensors.Shape(name)[^1], _tensors.Shape(name)[^2], 1);
            foreach (var (i, value) in _tensors.Floats(name).Index())
                image.Samples[i] = value > 0 ? byte.MaxValue : (byte)0;
            return image;
        }

        FloatMap Depth(string name) => new(_tensors.Shape(name)[^1], _tensors.Shape(name)[^2], _tensors.Floats(name));
    }

    private SizeConditioning? Sizes()
    {
        if (!_arguments.TryGetProperty("original_size", out _))
            return null;
        int[] image = _tensors.Shape("image")[2..];
        int[] Pair(string name, int[] fallback) =>
            _arguments.TryGetProperty(name, out var pair) ? [.. pair.EnumerateArray().Select(e => e.GetInt32())] : fallback;
        var (original, corner, target) = (Pair("original_size", image), Pair("crops_coords_top_left", [0, 0]), Pair("target_size", image));
        return new SizeConditioning(original[0], original[1], corner[0], corner[1], target[0], target[1]);
    }

    private static JsonElement Each(JsonElement value, int index) => value.ValueKind == JsonValueKind.Array ? value[index] : value;

    private double Number(string name, double fallback, int index = 0) =>
        _arguments.TryGetProperty(name, out var value) ? Each(value, index).GetDouble() : fallback;
}
