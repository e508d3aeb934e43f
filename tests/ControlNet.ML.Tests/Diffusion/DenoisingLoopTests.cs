using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Tests.Diffusion;

/// <summary>What the loop asks of the networks, and what it does not: with networks that only take notes.</summary>
public sealed class DenoisingLoopTests
{
    private static readonly UNetConfig UNet = UNetConfig.StableDiffusion15;
    private static readonly SchedulerConfig Ddim = SchedulerConfig.Default("DDIMScheduler");

    [Fact]
    public void Guidance_above_1_asks_for_both_halves_the_unconditional_one_first()
    {
        var notes = Run(Row(guidance: 7.5));
        Assert.All(notes.Calls, call => Assert.Equal(2, call.Rows));
        Assert.Equal([-1f, 1f], notes.Texts);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(0.5)]
    public void Guidance_1_and_below_asks_for_the_conditional_half_alone(double guidance)
    {
        var notes = Run(Row(guidance));
        Assert.All(notes.Calls, call => Assert.Equal(1, call.Rows));
        Assert.Equal([1f], notes.Texts);
    }

    [Fact]
    public void Distilled_models_take_guidance_as_a_condition_and_no_second_half()
    {
        var notes = Run(UNet with { TimeCondProjDim = 16 }, Row(guidance: 7.5));
        Assert.All(notes.Calls, call => Assert.Equal(1, call.Rows));
        Assert.Equal(16, notes.Inputs!.GuidanceCondition!.Shape[1]);
    }

    [Fact]
    public void A_network_of_scale_zero_is_never_run() =>
        Assert.All(Run(Row(7.5, new ControlUnit { Scale = 0 })).Calls, call => Assert.Empty(call.Controls));

    [Fact]
    public void A_network_is_run_in_its_window_only()
    {
        var notes = Run(Row(7.5, new ControlUnit { Start = 0.2, End = 0.7 }));
        Assert.Equal([2, 3, 4, 5, 6], Enumerable.Range(0, 10).Where(step => notes.Calls[step].Controls.Count > 0));
    }

    [Fact]
    public void Several_networks_have_a_scale_and_a_window_each()
    {
        var notes = Run(Row(7.5, new ControlUnit { Scale = 0.5, End = 0.5 }, new ControlUnit { Scale = 2, Start = 0.5 }));
        Assert.All(notes.Calls[..5], call => Assert.Equal((0, 0.5f), (call.Controls.Single().Control, call.Controls.Single().Scales.Values[0])));
        Assert.All(notes.Calls[5..], call => Assert.Equal((1, 2f), (call.Controls.Single().Control, call.Controls.Single().Scales.Values[0])));
    }

    [Theory]
    [InlineData(ControlWeighting.GuessLogspace)]
    [InlineData(ControlWeighting.GuessPower)]
    [InlineData(ControlWeighting.Resolution)]
    public void Weighted_control_goes_to_the_conditional_half_alone(ControlWeighting weighting)
    {
        var notes = Run(Row(7.5, new ControlUnit { Weighting = weighting, Scale = 0.5 }));
        var scales = notes.Calls[0].Controls.Single().Scales;
        Assert.All(scales.Row(0).ToArray(), s => Assert.Equal(0, s));
        Assert.Equal(ControlWeights.Of(weighting, ControlNetConfig.StableDiffusion15, 8).Select(w => (float)(w * 0.5)), scales.Row(1).ToArray());
    }

    [Theory]
    [InlineData(64, 8f)]
    [InlineData(128, 16f)]
    [InlineData(null, 8f)]
    public void Resolution_weights_go_by_the_side_that_the_base_was_trained_with(int? side, float first)
    {
        // The latents have 8 rows.
        var notes = Run(UNet with { SampleSize = side }, Row(7.5, new ControlUnit { Weighting = ControlWeighting.Resolution }));
        Assert.Equal(first, notes.Calls[0].Controls.Single().Scales.Row(1)[0]);
    }

    [Fact]
    public void Images_that_run_together_become_what_they_become_alone()
    {
        DenoisingRow[] rows = [Row(7.5), Row(1) with { Noise = Noise(5) }, Row(3) with { Noise = Noise(9) }];
        var together = Last(rows);
        for (var i = 0; i < rows.Length; i++)
            Assert.Equal(Last(rows[i])[0].Values, together[i].Values);
    }

    [Fact]
    public void Cancellation_stops_before_the_next_step()
    {
        using var source = new CancellationTokenSource();
        var notes = new Notes();
        var loop = new DenoisingLoop(notes, UNet);
        var seen = 0;

        Assert.Throws<OperationCanceledException>(() =>
        {
            foreach (var step in loop.Run([Row(1)], Ddim, 10, source.Token))
            {
                seen++;
                if (step.Step == 3)
                    source.Cancel();
            }
        });
        Assert.Equal((4, 4), (seen, notes.Calls.Count));
        Assert.True(notes.Disposed);
    }

    [Fact]
    public void Networks_that_differ_between_rows_are_refused() =>
        Assert.Throws<ArgumentException>(() => Run(Row(1, new ControlUnit()), Row(1)));

    private static Notes Run(params DenoisingRow[] rows) => Run(UNet, rows);

    private static Notes Run(UNetConfig unet, params DenoisingRow[] rows)
    {
        var notes = new Notes();
        Assert.Equal(10, new DenoisingLoop(notes, unet).Run(rows, Ddim, 10).Count());
        return notes;
    }

    private static IReadOnlyList<TensorData> Last(params DenoisingRow[] rows) => new DenoisingLoop(new Notes(), UNet).Run(rows, Ddim, 10).Last().Latents;

    private static DenoisingRow Row(double guidance, params ControlUnit[] units) => new()
    {
        Noise = Noise(1),
        Text = new TextEmbedding(new TensorData([1f], 1, 1, 1), null),
        NegativeText = new TextEmbedding(new TensorData([-1f], 1, 1, 1), null),
        Guidance = guidance,
        Controls = [.. units.Select((unit, i) => new RowControl(Network.All[i], TensorData.Zeros(1, 320, 8, 8), unit))],
        NoiseSource = new TorchRandom(0),
    };

    private static TensorData Noise(ulong seed)
    {
        var noise = TensorData.Zeros(1, 4, 8, 8);
        new TorchRandom(seed).FillNormal(noise.Values);
        return noise;
    }

    private sealed record Call(int Rows, double Timestep, IReadOnlyList<ControlStep> Controls);

    /// <summary>A backend that writes down what it is asked and predicts a part of what it is given.</summary>
    private sealed class Notes : IDiffusionBackend, IDenoiser
    {
        public string Description => "notes";

        public List<Call> Calls { get; } = [];

        public DenoiserInputs? Inputs { get; private set; }

        public float[] Texts => Inputs!.Text.Values;

        public bool Disposed { get; private set; }

        public IDenoiser CreateDenoiser(DenoiserInputs inputs)
        {
            Inputs = inputs;
            return this;
        }

        public void Predict(TensorData sample, double timestep, IReadOnlyList<ControlStep> controls, TensorData prediction)
        {
            Calls.Add(new Call(sample.Shape[0], timestep, controls));
            for (var r = 0; r < sample.Shape[0]; r++)
            {
                for (var i = 0; i < sample.Row(r).Length; i++)
                    prediction.Row(r)[i] = sample.Row(r)[i] * (0.5f + (0.1f * Texts[r]));
            }
        }

        public TextEmbedding EncodeText(IReadOnlyList<IReadOnlyList<int>> tokens, int? clipSkip) => throw new InvalidOperationException();

        public (TensorData Mean, TensorData LogVariance) EncodeImage(TensorData image) => throw new InvalidOperationException();

        public TensorData DecodeImage(TensorData latents) => throw new InvalidOperationException();

        public void Dispose() => Disposed = true;
    }

    private sealed class Network : IControlBackend
    {
        public static Network[] All { get; } = [new(), new()];

        public ControlNetConfig Config => ControlNetConfig.StableDiffusion15;

        public IReadOnlyList<TensorData> Residuals(TensorData sample, double timestep, DenoiserInputs inputs, TensorData hint) => throw new NotSupportedException();

        public TensorData EncodeCondition(TensorData condition) => throw new InvalidOperationException();

        public void Dispose()
        {
        }
    }
}
