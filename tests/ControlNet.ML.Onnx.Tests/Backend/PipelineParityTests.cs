namespace ControlNet.ML.Onnx.Tests.Backend;

/// <summary>
/// Whole runs of ONNX graphs against diffusers' pipelines: the latents after every step, and the image, for every case that a layout can
/// express.
/// </summary>
[Trait("Category", "Parity")]
public sealed class PipelineParityTests(PipelineModels models) : IClassFixture<PipelineModels>
{
    public static TheoryData<string> Cases() => Fixtures.Cases(
        OnnxLayouts.Exist ? PipelineCase.Names.SelectMany(name => Layouts(name).Select(layout => $"{layout}: {name}")) : []);

    [Theory, MemberData(nameof(Cases))]
    public async Task Every_step_and_the_image_are_diffusers_own(string name)
    {
        Fixtures.SkipIfNothing(name, "pipelines/cases.json");
        var (layout, pipeline) = (name.Split(": ")[0], name.Split(": ")[1]);
        var run = new PipelineCase(pipeline);
        await run.RunAsync(models.Model(layout), [.. run.Controls.Select(control => models.Control(layout, control))]);
    }

    /// <summary>The layouts that can express a case.</summary>
    private static IEnumerable<string> Layouts(string name)
    {
        var controls = string.Concat(PipelineCase.ControlsOf(name).Select(control => control[^1]));

        // optimum's text encoder of SD1 has no hidden states, so clip skip is impossible; that is a test of its own.
        if (PipelineCase.Has(name, "clip_skip") && PipelineCase.ModelOf(name) == "sd1")
            return [];

        // Built-in networks have one scale; the scripts' encoder draws its latents with random numbers of its own.
        var (isGuess, hasImage) = (PipelineCase.Has(name, "guess_mode"), PipelineCase.Has(name, "strength"));
        return (PipelineCase.ModelOf(name), controls) switch
        {
            ("sd1", "") => hasImage ? ["sd1", "sd1-named"] : ["sd1", "sd1-script", "sd1-named", "sd1-merged"],
            ("sd1", "a") => isGuess ? ["sd1-named", "sd1-positional"] : ["sd1-named", "sd1-positional", "sd1-merged"],
            ("sd1", "b") => ["sd1-merged", "sd1-merged-script"],
            ("sd1", "ab") when !isGuess => ["sd1-merged"],
            ("sdxl", "") => ["sdxl", "sdxl-named"],
            ("sdxl", "a") => ["sdxl-named"],
            _ => [],
        };
    }
}
