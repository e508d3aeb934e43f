using ControlNet.ML.Diffusion;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx.Tests.Backend;

/// <summary>Images that run together do not depend on each other, whatever control networks and scales each has.</summary>
public sealed class RowTests(PipelineModels models)
{
    [Theory]
    [InlineData("sd1-named")]
    [InlineData("sd1-positional")]
    [InlineData("sd1-merged")]
    public void Rows_with_different_scales_are_those_of_single_images(string layout)
    {
        var (model, control) = (models.Model(layout), models.Control(layout, "a"));
        GenerateRequest[] requests =
        [
            Request(0.3, 1),
            Request(1.2, 2),
            Request(0, 3),
            Request(0.3, 4) with { Controls = [] },
            Request(0.7, 5) with { Options = Request(0, 5).Options with { Guidance = 1 } },
        ];
        var together = model.GenerateBatch(requests);
        for (var i = 0; i < requests.Length; i++)
            Close.Relative(
                [.. model.GenerateBatch([requests[i]])[0].Latents.Values], together[i].Latents.Values, 1e-5, $"image {i}");

        GenerateRequest Request(double scale, ulong seed) => new(
            "red apple",
            [new ControlInput(control, Condition((byte)(40 * seed))) { Unit = new ControlUnit { Scale = scale } }],
            new GenerateOptions { Steps = 2, Width = 64, Height = 64, Seed = seed, Guidance = 3 });
    }

    [Fact]
    public void Weights_that_differ_between_residuals_and_networks_add_up()
    {
        var (model, control) = (models.Model("sd1-named"), models.Control("sd1-named", "a"));
        var options = new GenerateOptions { Steps = 2, Width = 64, Height = 64, Seed = 5, Guidance = 3 };
        ControlInput Input(double scale) => new(control, Condition(90))
        {
            Unit = new ControlUnit { Scale = scale, Weighting = ControlWeighting.GuessLogspace },
        };
        var one = model.Generate("red apple", [Input(0.9)], options);
        var two = model.Generate("red apple", [Input(0.6), Input(0.3)], options);
        Close.Relative([.. one.Latents.Values], two.Latents.Values, 1e-5, "latents");
    }

    /// <summary>Residuals of one network that need no scaling stay on the device; others are scaled and added on the CPU.</summary>
    [Theory]
    [InlineData(ControlWeighting.Uniform, 3)]
    [InlineData(ControlWeighting.GuessLogspace, 1)]
    public void One_network_gives_what_two_halves_of_it_give(ControlWeighting weighting, double guidance)
    {
        var (model, control) = (models.Model("sd1-named"), models.Control("sd1-named", "a"));
        var options = new GenerateOptions { Steps = 2, Width = 64, Height = 64, Seed = 5, Guidance = guidance };
        ControlInput Input(double scale) => new(control, Condition(90))
        {
            Unit = new ControlUnit { Scale = scale, Weighting = weighting },
        };
        var one = model.Generate("red apple", [Input(1)], options);
        var two = model.Generate("red apple", [Input(0.5), Input(0.5)], options);
        Close.Relative([.. one.Latents.Values], two.Latents.Values, 1e-5, "latents");
    }

    [Fact]
    public void Residuals_are_handed_over_as_they_are_if_their_types_and_memory_are_the_same()
    {
        var unet = ((OnnxBackend)models.Model("sd1-named").Backend).UNets.For(hasControls: true, areBuiltIn: false);
        var control = ((OnnxControlBackend)models.Control("sd1-named", "a").Backend).Graph;
        Assert.True(control.Network.Feeds(control.Residuals, unet.Network, unet.Residuals));
        var halves = unet.Residuals.Select(port => port with { Element = OnnxElement.Half }).ToList();
        Assert.False(control.Network.Feeds(control.Residuals, unet.Network, halves));
    }

    [Theory]
    [InlineData(5, null, "0 1 2 3 4")]
    [InlineData(0, null, "")]
    [InlineData(5, 2, "0 1, 2 3, 4 4")]
    [InlineData(1, 3, "0 0 0")]
    [InlineData(4, 4, "0 1 2 3")]
    public void A_graph_with_a_fixed_number_of_rows_gets_full_batches(int rows, int? size, string expected) =>
        Assert.Equal(expected, string.Join(", ", RowBatches.Of(rows, size).Select(batch => string.Join(' ', batch))));

    private static ImageBuffer Condition(byte value)
    {
        var image = new ImageBuffer(64, 64, 3);
        image.Samples.AsSpan(0, 5000).Fill(value);
        return image;
    }
}
