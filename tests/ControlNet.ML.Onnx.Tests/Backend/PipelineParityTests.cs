namespace ControlNet.ML.Onnx.Tests.Backend;

/// <summary>
/// Whole runs of ONNX graphs against diffusers' pipelines: the latents after every step, and the image, for every case that a layout can
/// express.
/// </summary>
[Trait("Category", "Parity")]
public sealed class PipelineParityTests(PipelineModels models)
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

    /// <summary>A layout that can express a case, and for one case of each kind all of them.</summary>
    private static IEnumerable<string> Layouts(string name)
    {
        var controls = string.Concat(PipelineCase.ControlsOf(name).Select(control => control[^1]));

        // optimum's text encoder of SD1 has no hidden states, so clip skip is impossible; that is a test of its own.
        if (PipelineCase.Has(name, "clip_skip") && PipelineCase.ModelOf(name) == "sd1")
            return [];

        // Built-in networks have one scale, so guess mode is impossible with them.
        return (PipelineCase.ModelOf(name), controls) switch
        {
            ("sd1", "") => name == "sd1-text2img" ? ["sd1", "sd1-script", "sd1-named", "sd1-merged"] : ["sd1"],
            ("sd1", "a") => name switch
            {
                "sd1-control-scale" => ["sd1-named", "sd1-positional", "sd1-merged"],
                "sd1-control-guess" => ["sd1-named", "sd1-positional"],
                _ => ["sd1-named"],
            },
            ("sd1", "ab") when !PipelineCase.Has(name, "guess_mode") => ["sd1-merged"],
            ("sdxl", _) => ["sdxl-named"],
            _ => [],
        };
    }
}
