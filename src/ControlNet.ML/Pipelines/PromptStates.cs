using ControlNet.ML.Diffusion;
using ControlNet.ML.Text;

namespace ControlNet.ML.Pipelines;

/// <summary>The hidden states of a prompt in windows: weighted, concatenated, padded.</summary>
internal static class PromptStates
{
    /// <summary>Encodes each window on its own, and concatenates the hidden states along the tokens.</summary>
    /// <param name="backend">The text encoders.</param>
    /// <param name="windows">The windows for each text encoder, as many for each.</param>
    /// <param name="firstWidth">The width of the first encoder's hidden states; those of a second one follow.</param>
    /// <param name="clipSkip">Clip skip: the number of last layers to skip, or null.</param>
    /// <returns>[1, windows x tokens, width]; for SDXL also the pooled text of the first window.</returns>
    public static TextEmbedding Encode(
        IDiffusionBackend backend, IReadOnlyList<PromptWindow>[] windows, int firstWidth, int? clipSkip) =>
        Join([
            .. Enumerable.Range(0, windows[0].Count)
                .Select(i => Encode(backend, Array.ConvertAll(windows, all => all[i]), firstWidth, clipSkip)),
        ]);

    /// <summary>A text with empty windows at its end.</summary>
    /// <param name="text">The text.</param>
    /// <param name="tokens">The number of tokens, a multiple of the empty window's.</param>
    /// <param name="empty">The empty window, encoded like the text.</param>
    /// <returns>The text itself if it has as many tokens.</returns>
    public static TextEmbedding Pad(TextEmbedding text, int tokens, Func<TextEmbedding> empty)
    {
        if (text.Tokens == tokens)
            return text;
        var window = empty();
        return Join([text, .. Enumerable.Repeat(window, (tokens - text.Tokens) / window.Tokens)]);
    }

    /// <summary>
    /// Multiplies the hidden states of each token by its weight, then all by one number, so that their mean is what it was: the
    /// "Original" emphasis of AUTOMATIC1111's web UI, for each window and each text encoder.
    /// </summary>
    /// <param name="hidden">[1, tokens, width]; weighted in place.</param>
    /// <param name="weights">A weight for each token.</param>
    /// <param name="first">The encoder's first column of <paramref name="hidden"/>.</param>
    /// <param name="width">The encoder's number of columns.</param>
    /// <exception cref="ControlNetException">The weights cancel out, or are too large.</exception>
    internal static void Weigh(TensorData hidden, IReadOnlyList<double> weights, int first, int width)
    {
        var (tokens, stride) = (hidden.Shape[1], hidden.Shape[2]);
        var (sum, weighted) = (0.0, 0.0);
        for (var token = 0; token < tokens; token++)
        {
            var own = 0.0;
            foreach (var value in hidden.Values.AsSpan((token * stride) + first, width))
                own += value;
            sum += own;
            weighted += own * weights[token];
        }

        var factor = sum == weighted ? 1 : sum / weighted;
        if (double.IsFinite(sum) && (!double.IsFinite(factor) || factor == 0))
            throw new ControlNetException(
                FormattableString.Invariant(
                    $"The weights in the prompt multiply the sum of its hidden states by {weighted / sum}, expected a finite number ")
                + "other than 0.");

        for (var token = 0; token < tokens; token++)
        {
            foreach (ref var value in hidden.Values.AsSpan((token * stride) + first, width))
                value = (float)(value * weights[token] * factor);
        }
    }

    private static TextEmbedding Encode(IDiffusionBackend backend, PromptWindow[] window, int firstWidth, int? clipSkip)
    {
        var text = backend.EncodeText([.. window.Select(own => own.Ids)], clipSkip);
        var width = text.Hidden.Shape[2];
        for (var encoder = 0; encoder < window.Length; encoder++)
        {
            // Without a weight the numbers stay as they are, to the last bit.
            if (!window[encoder].IsWeighted)
                continue;
            var first = encoder == 0 ? 0 : firstWidth;
            Weigh(text.Hidden, window[encoder].Weights, first, encoder == window.Length - 1 ? width - first : firstWidth);
        }

        return text;
    }

    private static TextEmbedding Join(TextEmbedding[] windows) => windows.Length == 1
        ? windows[0]
        : new TextEmbedding(
            new TensorData(
                [.. windows.SelectMany(window => window.Hidden.Values)],
                1,
                windows.Sum(window => window.Tokens),
                windows[0].Hidden.Shape[2]),
            windows[0].Pooled);
}
