using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Tests.Diffusion;

/// <summary>Rows whose latents become no numbers: noticed at their step, and no concern of the others.</summary>
public sealed class NotFiniteRowsTests
{
    private static readonly SchedulerConfig Euler = PlantedPredictions.ThreeSteps("EulerDiscreteScheduler");

    [Fact]
    public void A_run_ends_at_the_step_where_no_row_is_finite_any_more()
    {
        var networks = new PlantedPredictions();
        var step = Assert.Single(Run(networks, Row(float.NaN), Row(float.PositiveInfinity)));
        Assert.Single(networks.Samples);
        foreach (var row in (int[])[0, 1])
        {
            var message = Assert.ThrowsAny<ControlNetException>(() => step.LatentsOf(row)).Message;
            Assert.StartsWith("The latents are not finite after step 1 of 3, at value 0 of 1", message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_row_that_fails_leaves_the_others_as_they_are_by_themselves()
    {
        var last = Run(new PlantedPredictions(), Row(0.5f), Row(float.NaN), Row(0.25f))[^1];
        Assert.Equal(2, last.Step);
        Assert.Equal(Run(new PlantedPredictions(), Row(0.5f))[^1].LatentsOf(0).Values, last.LatentsOf(0).Values);
        Assert.Equal(Run(new PlantedPredictions(), Row(0.25f))[^1].LatentsOf(0).Values, last.LatentsOf(2).Values);
        Assert.Contains("after step 1 of 3", Assert.ThrowsAny<ControlNetException>(() => last.LatentsOf(1)).Message, StringComparison.Ordinal);
    }

    private static DenoisingStep[] Run(PlantedPredictions networks, params DenoisingRow[] rows) =>
        [.. new DenoisingLoop(networks, UNetConfig.StableDiffusion15 with { InChannels = 1, OutChannels = 1 }).Run(rows, Euler, 3)];

    private static DenoisingRow Row(float predicted) => new()
    {
        Noise = new TensorData([1f], 1, 1, 1, 1),
        Text = new TextEmbedding(new TensorData([predicted], 1, 1, 1), null),
        Guidance = 1,
        NoiseSource = new TorchRandom(0),
    };
}
