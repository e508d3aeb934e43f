using ControlNet.ML.Diffusion;
using ControlNet.ML.Pipelines;
using ControlNet.ML.Text;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Pipelines;

/// <summary>Hidden states of windows, worked out by hand.</summary>
public sealed class PromptStatesTests
{
    [Fact]
    public void A_weight_multiplies_its_token_and_the_mean_is_restored()
    {
        // The sum is 16, with the weights 1 * 3 + 2 * 7 + 0.5 * 6 = 20: everything is multiplied by 0.8.
        var hidden = new TensorData([1, 2, 3, 4, 5, 1], 1, 3, 2);
        PromptStates.Weigh(hidden, [1, 2, 0.5], 0, 2);
        Close.Absolute<double, float>([0.8, 1.6, 4.8, 6.4, 2, 0.4], hidden.Values, 1e-6, "states");
    }

    [Fact]
    public void Each_encoder_has_its_own_mean()
    {
        // Of the second column only: the sum is 4, with the weights 7. Of the first: 3, then 4.
        var windows = Windows([1, 2], [1, 2]);
        var text = PromptStates.Encode(new Planted([new TensorData([2, 1, 1, 3], 1, 2, 2)]), windows, firstWidth: 1, clipSkip: null);
        Close.Absolute<double, float>([2 * 0.75, 1 * 4.0 / 7, 2 * 0.75, 6 * 4.0 / 7], text.Hidden.Values, 1e-6, "states");

        // Only the second encoder's tokenizer saw a weight.
        text = PromptStates.Encode(new Planted([new TensorData([2, 1, 1, 3], 1, 2, 2)]), Windows([1, 1], [1, 2]), firstWidth: 1, clipSkip: null);
        Close.Absolute<double, float>([2, 1 * 4.0 / 7, 1, 6 * 4.0 / 7], text.Hidden.Values, 1e-6, "states");
    }

    [Fact]
    public void Weights_that_cancel_out_or_overflow_are_refused()
    {
        Refused("by 0, expected a finite number other than 0.", 1, 1, -1);
        Refused("by Infinity, expected", 4, 2, double.MaxValue);
        var nothing = TensorData.Zeros(1, 2, 1);
        PromptStates.Weigh(nothing, [1, 2], 0, 1);
        Assert.Equal([0, 0], nothing.Values);

        static void Refused(string expected, float state, double first, double second) => Assert.Contains(
            expected,
            Assert.Throws<ControlNetException>(() => PromptStates.Weigh(new TensorData([state, state], 1, 2, 1), [first, second], 0, 1)).Message,
            StringComparison.Ordinal);
    }

    [Property]
    public void The_mean_stays_and_tokens_keep_their_ratio(int seed)
    {
        var random = new Random(seed);
        var hidden = new TensorData([.. Enumerable.Range(0, 12).Select(_ => 0.1f + random.NextSingle())], 1, 4, 3);
        double[] weights = [.. Enumerable.Range(0, 4).Select(_ => 0.5 + random.NextDouble())];
        var before = hidden.Clone();
        PromptStates.Weigh(hidden, weights, 0, 3);
        Close.Number(before.Values.Average(), hidden.Values.Average(), 1e-5, "mean");
        var factor = hidden.Values[0] / before.Values[0] / weights[0];
        for (var i = 0; i < hidden.Count; i++)
            Close.Number(before.Values[i] * weights[i / 3] * factor, hidden.Values[i], 1e-5, "state");
    }

    [Fact]
    public void Windows_are_concatenated_along_the_tokens_with_the_first_pooled_text()
    {
        Planted encoder = new([new TensorData([1, 2, 3, 4], 1, 2, 2), new TensorData([5, 6, 7, 8], 1, 2, 2), new TensorData([9, 10, 11, 12], 1, 2, 2)]);
        var window = Windows([1, 1])[0][0];
        var text = PromptStates.Encode(encoder, [[window with { Ids = [0] }, window with { Ids = [1] }, window with { Ids = [2] }]], 2, clipSkip: 1);
        Assert.Equal([1, 6, 2], text.Hidden.Shape.ToArray());
        Assert.Equal(Enumerable.Range(1, 12).Select(i => (float)i), text.Hidden.Values);
        Assert.Equal([0], text.Pooled!.Values);
        Assert.Equal([1, 1, 1], encoder.ClipSkips);
    }

    [Fact]
    public void Padding_adds_empty_windows()
    {
        var text = new TextEmbedding(new TensorData([1, 2], 1, 2, 1), new TensorData([3], 1, 1));
        var empty = new TextEmbedding(new TensorData([7, 8], 1, 2, 1), new TensorData([9], 1, 1));
        Assert.Same(text, PromptStates.Pad(text, 2, () => throw new InvalidOperationException()));
        var padded = PromptStates.Pad(text, 6, () => empty);
        Assert.Equal([1, 2, 7, 8, 7, 8], padded.Hidden.Values);
        Assert.Equal([1, 6, 1], padded.Hidden.Shape.ToArray());
        Assert.Equal([3], padded.Pooled!.Values);
    }

    /// <summary>A window of those weights for each encoder.</summary>
    private static IReadOnlyList<PromptWindow>[] Windows(params double[][] weights) =>
        Array.ConvertAll(weights, own => (IReadOnlyList<PromptWindow>)[new PromptWindow([0], own)]);

    /// <summary>A text encoder that gives for each first id the hidden states planted there, and the id as pooled text.</summary>
    private sealed class Planted(TensorData[] states) : IDiffusionBackend
    {
        public List<int?> ClipSkips { get; } = [];

        public string Description => "planted";

        public TextEmbedding EncodeText(IReadOnlyList<IReadOnlyList<int>> tokens, int? clipSkip)
        {
            ClipSkips.Add(clipSkip);
            return new TextEmbedding(states[tokens[0][0]].Clone(), new TensorData([tokens[0][0]], 1, 1));
        }

        public IDenoiser CreateDenoiser(DenoiserInputs inputs) => throw new InvalidOperationException();

        public (TensorData Mean, TensorData LogVariance) EncodeImage(TensorData image) => throw new InvalidOperationException();

        public TensorData DecodeImage(TensorData latents) => throw new InvalidOperationException();

        public void Dispose()
        {
        }
    }
}
