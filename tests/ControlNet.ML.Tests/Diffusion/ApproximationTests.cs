using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Diffusion;

/// <summary>What a run may leave out: how it is written, and what the loop asks of the networks then.</summary>
public sealed class ApproximationTests
{
    [Property]
    public FsCheck.Property What_is_written_is_parsed() => Prop.ForAll(
        Gen.Choose(1, 20).SelectMany(features => Gen.Choose(1, 20).SelectMany(control => Gen.Choose(0, 1000).Select(share =>
            new Approximation { FeatureInterval = features, ControlInterval = control, GuidanceEnd = share / 1000.0 }))).ToArbitrary(),
        approximation => approximation == Approximation.Parse(approximation.ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries)) && approximation.Validate() is null);

    [Fact]
    public void Nothing_is_left_out_by_default()
    {
        Assert.Equal("", new Approximation().ToString());
        Assert.False(new Approximation().Reuses);
        Assert.Equal("features=3 guidance=0.5", new Approximation { FeatureInterval = 3, GuidanceEnd = 0.5 }.ToString());
    }

    [Theory]
    [InlineData("features=0", "The approximation 'features=0' has no interval, expected 1 to 20 steps.")]
    [InlineData("features", "The approximation 'features' has no interval, expected 1 to 20 steps.")]
    [InlineData("control=21", "The approximation 'control=21' has no interval, expected 1 to 20 steps.")]
    [InlineData("guidance=1.5", "The approximation 'guidance=1.5' has no share of the steps, expected 0 to 1.")]
    [InlineData("guidance=NaN", "The approximation 'guidance=NaN' has no share of the steps, expected 0 to 1.")]
    [InlineData("deep=3", "'deep=3' is no approximation, expected features=N, control=N or guidance=SHARE.")]
    public void What_cannot_be_parsed_is_named(string text, string message) =>
        Assert.Equal(message, Assert.Throws<ControlNetException>(() => Approximation.Parse([text])).Message);

    [Fact]
    public void Twice_the_same_is_refused() =>
        Assert.Equal(
            "The approximation 'control' is given twice, expected each once.",
            Assert.Throws<ControlNetException>(() => Approximation.Parse(["control=2", "control=3"])).Message);

    [Theory]
    [InlineData(1, 1, "........")]
    [InlineData(1, 3, ".cc.cc.c")]
    [InlineData(3, 1, ".FF.FF.F")]
    [InlineData(4, 2, ".FFF.FFF")]
    [InlineData(2, 4, ".FcF.FcF")]
    public void Each_step_takes_what_the_intervals_say(int features, int control, string expected)
    {
        var plan = new ReusePlan(new() { FeatureInterval = features, ControlInterval = control });
        Assert.Equal(expected, Letters(plan, [.. Enumerable.Repeat((ControlStep[])[Step(0, 1)], 8)]));
    }

    [Fact]
    public void Nothing_is_taken_from_a_step_with_other_controls_or_scales()
    {
        ControlStep[] one = [Step(0, 1)], scaled = [Step(0, 0.5f)], other = [Step(1, 1)], both = [Step(0, 1), Step(1, 1)], none = [];
        Assert.Equal("..c.c..c..", Letters(new(new() { ControlInterval = 20 }), one, scaled, scaled, other, other, both, one, one, none, none));
        Assert.Equal("..F.F..F.f", Letters(new(new() { FeatureInterval = 20 }), one, scaled, scaled, other, other, both, one, one, none, none));
    }

    [Theory]
    [InlineData(1, 10)]
    [InlineData(0.75, 7)]
    [InlineData(0.7, 7)]
    [InlineData(0.05, 0)]
    [InlineData(0, 0)]
    public void Guidance_ends_with_its_share_of_the_steps_and_the_rest_runs_the_prompt_alone(double end, int guided)
    {
        var notes = new RowCounts();
        Assert.Equal(10, new DenoisingLoop(notes, UNetConfig.StableDiffusion15).Run([Row(end), Row(end)], SchedulerConfig.Default("DDIMScheduler"), 10).Count());
        Assert.Equal([.. Enumerable.Repeat(4, guided), .. Enumerable.Repeat(2, 10 - guided)], notes.Rows);
        Assert.Equal(notes.Created, notes.Disposed);
    }

    [Fact]
    public void Rows_of_different_approximations_do_not_run_together() =>
        Assert.Contains("the same approximation", Assert.Throws<ArgumentException>(
            () => new DenoisingLoop(new RowCounts(), UNetConfig.StableDiffusion15).Run([Row(1), Row(0.5)], SchedulerConfig.Default("DDIMScheduler"), 10).Count()).Message, StringComparison.Ordinal);

    private static string Letters(ReusePlan plan, params ControlStep[][] steps) => string.Concat(steps.Select((controls, step) => plan.At(step, controls) switch
    {
        StepReuse.None => '.',
        StepReuse.Controls => 'c',
        StepReuse.Features => 'f',
        _ => 'F',
    }));

    private static ControlStep Step(int control, float scale) => new(control, new TensorData([scale, scale], 1, 2));

    private static DenoisingRow Row(double guidanceEnd) => new()
    {
        Noise = new TensorData([.. Enumerable.Range(0, 256).Select(i => (float)Math.Sin(i))], 1, 4, 8, 8),
        Text = new TextEmbedding(new TensorData([1f], 1, 1, 1), null),
        NegativeText = new TextEmbedding(new TensorData([-1f], 1, 1, 1), null),
        NoiseSource = new TorchRandom(0),
        Approximation = new() { GuidanceEnd = guidanceEnd },
    };

    /// <summary>A backend that counts the rows of each step.</summary>
    private sealed class RowCounts : IDiffusionBackend
    {
        public string Description => "counts";

        public List<int> Rows { get; } = [];

        public int Created { get; private set; }

        public int Disposed { get; private set; }

        public IDenoiser CreateDenoiser(DenoiserInputs inputs)
        {
            Created++;
            return new Denoiser(this);
        }

        public TextEmbedding EncodeText(IReadOnlyList<IReadOnlyList<int>> tokens, int? clipSkip) => throw new InvalidOperationException();

        public (TensorData Mean, TensorData LogVariance) EncodeImage(TensorData image) => throw new InvalidOperationException();

        public TensorData DecodeImage(TensorData latents) => throw new InvalidOperationException();

        public void Dispose()
        {
        }

        private sealed class Denoiser(RowCounts counts) : IDenoiser
        {
            public void Predict(TensorData sample, double timestep, IReadOnlyList<ControlStep> controls, TensorData prediction)
            {
                counts.Rows.Add(sample.Shape[0]);
                sample.Values.CopyTo(prediction.Values, 0);
            }

            public void Dispose() => counts.Disposed++;
        }
    }
}
