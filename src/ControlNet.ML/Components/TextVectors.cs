using ControlNet.ML.Diffusion;
using ControlNet.ML.Pipelines;
using Microsoft.ML.Data;

namespace ControlNet.ML.Components;

/// <summary>
/// Encoded prompts as vectors: the prompt's, then the negative prompt's. Each is [tokens, width], the tokens of one or more windows; for
/// SDXL it is flat, followed by the pooled text. Windows that neither prompt needs are zeros at the end.
/// </summary>
internal sealed class TextVectors
{
    private readonly int _tokens;
    private readonly int _width;
    private readonly int _pooled;

    /// <summary>Creates the layout for a model.</summary>
    public TextVectors(DiffusionModel model)
    {
        var folder = model.Folder;
        _tokens = model.TextTokens;
        _width = folder.TextEncoder.HiddenSize + (folder.TextEncoder2?.HiddenSize ?? 0);
        _pooled = folder.TextEncoder2?.ProjectionDim ?? 0;
    }

    /// <summary>The type of vectors with room for a number of windows.</summary>
    public VectorDataViewType Type(int windows) => _pooled == 0
        ? new VectorDataViewType(NumberDataViewType.Single, 2, windows * _tokens, _width)
        : new VectorDataViewType(NumberDataViewType.Single, 2, (windows * _tokens * _width) + _pooled);

    /// <summary>A column of such vectors, with room for any number of windows.</summary>
    public InputColumn Column(string name) => InputColumn.Vector(
        name,
        $"{Type(1)}, or of several windows",
        found => WindowsOf(found.Aggregate(1L, (size, side) => size * side)) is { } windows
            && (found.Count == 1 || found.SequenceEqual(Type(windows).Dimensions)));

    /// <summary>Packs a prompt and a negative prompt of as many tokens into one vector.</summary>
    /// <param name="text">The prompt.</param>
    /// <param name="negative">The negative prompt.</param>
    /// <param name="windows">The number of windows that the vector has room for.</param>
    /// <exception cref="ControlNetException">The prompts have more windows.</exception>
    public VBuffer<float> Write(TextEmbedding text, TextEmbedding negative, int windows)
    {
        var needed = text.Tokens / _tokens;
        if (needed > windows)
            throw new ControlNetException(
                $"The prompt or the negative prompt has {needed} windows of {_tokens - 2} tokens, the vectors have room for {windows}: "
                    + $"expected {nameof(EncodeTextComponentOptions.Windows)} {needed}, or "
                    + $"{nameof(LongPrompts)}.{nameof(LongPrompts.Truncate)} to cut prompts.");
        var room = new float[(windows - needed) * _tokens * _width];
        float[] values =
        [
            .. text.Hidden.Values, .. room, .. text.Pooled?.Values ?? [],
            .. negative.Hidden.Values, .. room, .. negative.Pooled?.Values ?? [],
        ];
        return new VBuffer<float>(values.Length, values);
    }

    /// <summary>Unpacks the prompt and the negative prompt of a vector, without the windows at the end that are zeros in both.</summary>
    public (TextEmbedding Text, TextEmbedding Negative) Read(float[] values)
    {
        var (half, window) = (values.Length / 2, _tokens * _width);
        var count = WindowsOf(values.Length)!.Value;
        while (count > 1 && IsUnused(0) && IsUnused(half))
            count--;
        return (Half(values.AsSpan(0, half)), Half(values.AsSpan(half)));

        bool IsUnused(int first) => !values.AsSpan(first + ((count - 1) * window), window).ContainsAnyExcept(0f);

        TextEmbedding Half(ReadOnlySpan<float> own) => new(
            new TensorData(own[..(count * window)].ToArray(), 1, count * _tokens, _width),
            _pooled == 0 ? null : new TensorData(own[^_pooled..].ToArray(), 1, _pooled));
    }

    /// <summary>The number of windows of a vector with so many values; null if no number has as many.</summary>
    private int? WindowsOf(long size)
    {
        var (windows, rest) = Math.DivRem((size / 2) - _pooled, (long)_tokens * _width);
        return windows is >= 1 and <= PromptReading.MaxWindows && rest == 0 && size % 2 == 0 ? (int)windows : null;
    }
}
