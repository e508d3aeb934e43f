using ControlNet.ML.Diffusion;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Torch.Tests.Pipelines;

/// <summary>The embedded model's images against those that diffusers made of the same weights, all within one 8-bit level.</summary>
[Trait("Category", "Parity")]
public sealed class GoldenParityTests(GoldenParityTests.Networks networks) : IClassFixture<GoldenParityTests.Networks>
{
    public static TheoryData<string> Cases() => Fixtures.Cases(GoldenModel.Cases.Select(c => c.GetProperty("name").GetString()!));

    [Theory, MemberData(nameof(Cases))]
    public void The_image_is_the_same_within_a_level(string name)
    {
        Fixtures.SkipIfNothing(name, "golden/cases.json");
        var setup = GoldenModel.Case(name);
        var tensors = new ReferenceTensors(GoldenModel.Golden($"{name}.safetensors"));
        List<ControlInput> controls = [];
        if (setup.TryGetProperty("control", out var control))
        {
            var guess = setup.TryGetProperty("guess", out var flag) && flag.GetBoolean();
            var shape = tensors.Shape("condition");
            controls.Add(new ControlInput(
                networks.Control(control.GetString()!), new ImageBuffer(shape[2], shape[1], shape[3], tensors.Bytes("condition").ToArray()))
            {
                Unit = new ControlUnit { Weighting = guess ? ControlWeighting.GuessLogspace : ControlWeighting.Uniform },
            });
        }

        var expected = ImageCodec.Load(GoldenModel.Golden($"{name}.png"));
        var image = networks.Model.Generate(setup.GetProperty("prompt").GetString()!, controls, new GenerateOptions
        {
            NegativePrompt = setup.GetProperty("negative").GetString(),
            Seed = setup.GetProperty("seed").GetUInt64(),
            Steps = setup.GetProperty("steps").GetInt32(),
            Guidance = setup.GetProperty("guidance").GetDouble(),
            Scheduler = setup.GetProperty("scheduler").GetString(),
            Width = expected.Width,
            Height = expected.Height,
        });

        Close.Relative(tensors.Doubles("latents_last"), image.Latents.Values, 5e-4, "last latents", floor: 0);
        Assert.Equal((expected.Width, expected.Height, 3), (image.Image.Width, image.Image.Height, image.Image.Channels));
        Close.Absolute(expected.Samples, image.Image.Samples, 1, $"{name}: level");
    }

    /// <summary>The model, loaded once.</summary>
    public sealed class Networks : IDisposable
    {
        private readonly Dictionary<string, ControlNetwork> _controls = [];

        public DiffusionModel Model { get; } = DiffusionModel.Load(GoldenModel.Folder, new LoadOptions { Device = "cpu" });

        public ControlNetwork Control(string name)
        {
            if (!_controls.TryGetValue(name, out var network))
                _controls[name] = network = ControlNetwork.Load(GoldenModel.Control(name), new LoadOptions { Device = "cpu" });
            return network;
        }

        public void Dispose()
        {
            foreach (var network in _controls.Values)
                network.Dispose();
            Model.Dispose();
        }
    }
}
