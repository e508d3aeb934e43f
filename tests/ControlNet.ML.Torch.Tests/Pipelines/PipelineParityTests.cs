namespace ControlNet.ML.Torch.Tests.Pipelines;

/// <summary>Whole runs against diffusers' pipelines: the latents after every step, and the image.</summary>
[Trait("Category", "Parity")]
public sealed class PipelineParityTests
{
    public static TheoryData<string> Cases() => Fixtures.Cases(PipelineCase.Names);

    [Theory, MemberData(nameof(Cases))]
    public async Task Every_step_and_the_picture_are_diffusers_own(string name)
    {
        Fixtures.SkipIfNothing(name, "pipelines/cases.json");
        var run = new PipelineCase(name);
        using var model = DiffusionModel.Load(Fixtures.Path("models", run.Model), new LoadOptions { Device = "cpu" });
        var networks = run.Controls
            .Select(control => ControlNetwork.Load(Fixtures.Path("models", control), new LoadOptions { Device = "cpu" })).ToArray();
        try
        {
            await run.RunAsync(model, networks);
        }
        finally
        {
            foreach (var network in networks)
                network.Dispose();
        }
    }
}
