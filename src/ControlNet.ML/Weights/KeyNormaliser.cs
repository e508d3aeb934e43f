namespace ControlNet.ML.Weights;

/// <summary>
/// Small differences in tensor names between versions of diffusers and transformers. <see cref="KeyMap"/> handles the names of the original
/// checkpoints.
/// </summary>
internal static class KeyNormaliser
{
    // diffusers before 0.18 used these names for the autoencoder's attention, and the released SD1 and SD2 folders still do.
    private static readonly (string Old, string New)[] AttentionNames =
        [(".query.", ".to_q."), (".key.", ".to_k."), (".value.", ".to_v."), (".proj_attn.", ".to_out.0.")];

    /// <summary>The current name and shape of a tensor; null if it is not a weight.</summary>
    public static (string Name, long[] Shape)? Normalise(NetworkKind kind, string key, long[] shape) => kind switch
    {
        NetworkKind.TextEncoder when IsPositionIds(key) => null,
        NetworkKind.TextEncoder => (WithModelPrefix(key), shape),
        NetworkKind.Autoencoder => Attention(key, shape),
        _ => (key, shape),
    };

    /// <summary>0, 1 … 76: a buffer that old versions also saved, sometimes cast to float16.</summary>
    private static bool IsPositionIds(string key) => key.EndsWith("embeddings.position_ids", StringComparison.Ordinal);

    /// <summary>transformers 5 omits <c>text_model.</c>.</summary>
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

        // A 1x1 convolution that is now a linear layer: the same values in the same order.
        return (name, shape is [var outputs, var inputs, 1, 1] ? [outputs, inputs] : shape);
    }
}
