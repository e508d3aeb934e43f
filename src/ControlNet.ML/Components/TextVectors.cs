using ControlNet.ML.Diffusion;
using Microsoft.ML.Data;

namespace ControlNet.ML.Components;

/// <summary>
/// Encoded prompts as vectors: the prompt's, then the negative prompt's. Each is [tokens, width]; for SDXL it is flat, followed by the
/// pooled text.
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
        Type = _pooled == 0
            ? new VectorDataViewType(NumberDataViewType.Single, 2, _tokens, _width)
            : new VectorDataViewType(NumberDataViewType.Single, 2, (_tokens * _width) + _pooled);
    }

    /// <summary>The type of the vectors.</summary>
    public VectorDataViewType Type { get; }

    /// <summary>Packs a prompt and a negative prompt into one vector.</summary>
    public static VBuffer<float> Write(TextEmbedding text, TextEmbedding negative)
    {
        float[] values = [.. text.Hidden.Values, .. text.Pooled?.Values ?? [], .. negative.Hidden.Values, .. negative.Pooled?.Values ?? []];
        return new VBuffer<float>(values.Length, values);
    }

    /// <summary>Unpacks the prompt and the negative prompt of a vector.</summary>
    public (TextEmbedding Text, TextEmbedding Negative) Read(float[] values) =>
        (Half(values.AsSpan(0, values.Length / 2)), Half(values.AsSpan(values.Length / 2)));

    private TextEmbedding Half(ReadOnlySpan<float> values)
    {
        var hidden = _tokens * _width;
        return new TextEmbedding(
            new TensorData(values[..hidden].ToArray(), 1, _tokens, _width),
            _pooled == 0 ? null : new TensorData(values[hidden..].ToArray(), 1, _pooled));
    }
}
