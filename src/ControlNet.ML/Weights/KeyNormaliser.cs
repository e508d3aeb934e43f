namespace ControlNet.ML.Weights;

/// <summary>
/// The small differences between versions of diffusers and transformers in what they call a tensor. Names of the
/// original checkpoints are <see cref="KeyMap"/>'s matter.
/// </summary>
internal static class KeyNormaliser
{
    // diffusers before 0.18 named the autoencoder's attention so, and the released SD1 and SD2 folders still do.
    private static readonly (string Old, string New)[] AttentionNames =
        [(".query.", ".to_q."), (".key.", ".to_k."), (".value.", ".to_v."), (".proj_attn.", ".to_out.0.")];

    /// <summary>The present name and shape of a tensor; null if it is no weight.</summary>
    public static (string Name, long[] Shape)? Normalise(NetworkKind kind, string key, long[] shape) => kind switch
    {
        NetworkKind.TextEncoder when IsPositionIds(key) => null,
        NetworkKind.TextEncoder => (WithModelPrefix(key), shape),
        NetworkKind.Autoencoder => Attention(key, shape),
        _ => (key, shape),
    };

    /// <summary>0, 1 … 76: a buffer that old versions saved along, at times cast to float16.</summary>
    private static bool IsPositionIds(string key) => key.EndsWith("embeddings.position_ids", StringComparison.Ordinal);

    /// <summary>transformers 5 leaves out <c>text_model.</c>.</summary>
    private static string WithModelPrefix(string key) =>
        key.StartsWith("embeddings.", StringComparison.Ordinal)
        || key.StartsWith("encoder.", StringComparison.Ordinal)
        || key.StartsWith("final_layer_norm.", StringComparison.Ordinal)
            ? "text_model." + key
            : key;

    private static (string Name, long[] Shape) Attention(string key, long[] shape)
    {
        if (!key.Contains(".attentions.", StringComparison.Ordinal))
            return (key, shape);
        var name = key;
        foreach (var (old, present) in AttentionNames)
            name = name.Replace(old, present, StringComparison.Ordinal);

        // A 1x1 convolution where today's is a linear layer: the same numbers in the same order.
        return (name, shape is [var outputs, var inputs, 1, 1] ? [outputs, inputs] : shape);
    }
}
