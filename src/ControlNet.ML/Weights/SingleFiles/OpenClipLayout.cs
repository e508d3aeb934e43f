namespace ControlNet.ML.Weights.SingleFiles;

/// <summary>
/// Where transformers' tensors of a text encoder are in OpenCLIP's naming (SD2, the second encoder of SDXL): the projections of query, key
/// and value are one tensor there, in this order, and the text projection is transposed.
/// </summary>
internal static class OpenClipLayout
{
    private static readonly (string Present, string OpenClip)[] Names =
    [
        ("layer_norm1.", "ln_1."), ("layer_norm2.", "ln_2."), ("mlp.fc1.", "mlp.c_fc."), ("mlp.fc2.", "mlp.c_proj."),
        ("self_attn.out_proj.", "attn.out_proj."),
    ];

    private static readonly string[] Fused = ["q_proj", "k_proj", "v_proj"];

    /// <summary>The place of a tensor.</summary>
    /// <param name="name">Its name in transformers' state dict.</param>
    /// <returns>The key, which third of it (-1: all of it), and whether it is transposed there.</returns>
    public static (string Key, int Third, bool IsTransposed) Of(string name)
    {
        switch (name)
        {
            case "text_model.embeddings.token_embedding.weight": return ("token_embedding.weight", -1, false);
            case "text_model.embeddings.position_embedding.weight": return ("positional_embedding", -1, false);
            case "text_model.final_layer_norm.weight": return ("ln_final.weight", -1, false);
            case "text_model.final_layer_norm.bias": return ("ln_final.bias", -1, false);
            case "text_projection.weight": return ("text_projection", -1, true);
        }

        const string layers = "text_model.encoder.layers.";
        if (!name.StartsWith(layers, StringComparison.Ordinal))
            throw new ArgumentException($"A text encoder has no tensor {Message.Name(name)}.", nameof(name));
        var dot = name.IndexOf('.', layers.Length);
        var block = $"transformer.resblocks.{name[layers.Length..dot]}.";
        var rest = name[(dot + 1)..];
        for (var third = 0; third < Fused.Length; third++)
        {
            if (rest.StartsWith($"self_attn.{Fused[third]}.", StringComparison.Ordinal))
                return ($"{block}attn.in_proj_{rest[(rest.LastIndexOf('.') + 1)..]}", third, false);
        }

        var (present, openClip) = Array.Find(Names, pair => rest.StartsWith(pair.Present, StringComparison.Ordinal));
        return (block + openClip + rest[present.Length..], -1, false);
    }
}
