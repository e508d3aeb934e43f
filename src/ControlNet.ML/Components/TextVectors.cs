using ControlNet.ML.Diffusion;
using Microsoft.ML.Data;

namespace ControlNet.ML.Components;

/// <summary>
/// Encoded prompts as vectors: that of the prompt, then that of the negative prompt. Each is [tokens, width]; for SDXL flat, with the
/// pooled text behind it.
/// </summary>
internal sealed class TextVectors
{
    private readonly int _tokens;
    private readonly int _width;
    private readonly int _pooled;

    /// <summary>Of a model.</summary>
    public TextVectors(DiffusionModel model)
    {
        var folder = model.Folder;
        _tokens = model.TextTokens;
        _width = folder.TextEncoder.HiddenSize + (folder.TextEncoder2?.HiddenSize ?? 0);
        _pooled = folder.TextEncoder2?.ProjectionDim ?? 0;
        Type = _pooled == 0
            ? new VectorDataViewType(NumberDataViewType.Single, 2, _tokens, _width)
            : new VectorDataViewType(NumberDataViewType.Single, 2, (_tokens * _width) + _pooled);
    }

    /// <summary>The vectors' type.</summary>
    public VectorDataViewType Type { get; }

    /// <summary>Prompt and negative prompt as one vector.</summary>
    public static VBuffer<float> Write(TextEmbedding text, TextEmbedding negative)
    {
        float[] values = [.. text.Hidden.Values, .. text.Pooled?.Values ?? [], .. negative.Hidden.Values, .. negative.Pooled?.Values ?? []];
        return new VBuffer<float>(values.Length, values);
    }

    /// <summary>Prompt and negative prompt of a vector.</summary>
    public (TextEmbedding Text, TextEmbedding Negative) Read(float[] values) => (Half(values.AsSpan(0, values.Length / 2)), Half(values.AsSpan(values.Length / 2)));

    private TextEmbedding Half(ReadOnlySpan<float> values)
    {
        var hidden = _tokens * _width;
        return new TextEmbedding(
            new TensorData(values[..hidden].ToArray(), 1, _tokens, _width),
            _pooled == 0 ? null : new TensorData(values[hidden..].ToArray(), 1, _pooled));
    }
}
