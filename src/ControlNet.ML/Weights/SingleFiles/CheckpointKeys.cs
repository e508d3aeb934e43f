namespace ControlNet.ML.Weights.SingleFiles;

/// <summary>Which parts of a model a single file has, by the names of its tensors: never by its own name.</summary>
internal sealed class CheckpointKeys
{
    /// <summary>The prefix of the names of SD2's text encoder.</summary>
    public const string OpenClipPrefix = "cond_stage_model.model.";

    /// <summary>The prefix of the names of SDXL's second text encoder.</summary>
    public const string SecondOpenClipPrefix = "conditioner.embedders.1.model.";

    private const string FirstOpenClipPrefix = "conditioner.embedders.0.model.";
    private readonly TensorFile _file;

    /// <param name="file">The open file.</param>
    /// <exception cref="ControlNetException">
    /// It contains no base model, or one that is not supported; the message says what it is.
    /// </exception>
    public CheckpointKeys(TensorFile file)
    {
        _file = file;
        var isOriginal = Has(KeyMap.UNetPrefix + "input_blocks.0.0.weight");
        UNet = isOriginal ? KeyMap.UNetPrefix : "";
        if (!isOriginal && !(Has("conv_in.weight") && Begin("up_blocks.")))
            throw new ControlNetException(
                WeightKind.Recognise(file) is { } kind
                    ? $"{file.Name}: is {kind.Words}; expected a base model of Stable Diffusion."
                    : $"{file.Name}: contains no base model of Stable Diffusion, expected tensors named as in "
                        + $"'{KeyMap.UNetPrefix}input_blocks.0.0.weight'.");
        if (Begin(FirstOpenClipPrefix))
            throw new ControlNetException($"{file.Name}: is SDXL's refiner, which is not supported; expected a base model.");
        Autoencoder = Has(KeyMap.AutoencoderPrefix + "decoder.conv_in.weight") ? KeyMap.AutoencoderPrefix : null;
        (TextEncoder, IsOpenClip) =
            Begin(KeyMap.FirstTextEncoderPrefix) ? (KeyMap.FirstTextEncoderPrefix, false)
            : Begin(KeyMap.TextEncoderPrefix) ? (KeyMap.TextEncoderPrefix, false)
            : Begin(OpenClipPrefix) ? (OpenClipPrefix, true)
            : ((string?)null, false);
        TextEncoder2 = Begin(SecondOpenClipPrefix) ? SecondOpenClipPrefix : null;
        Family = FamilyOf();
    }

    /// <summary>The family.</summary>
    public ModelFamily Family { get; }

    /// <summary>The prefix of the UNet's names; empty if they are diffusers'.</summary>
    public string UNet { get; }

    /// <summary>The prefix of the autoencoder's names; null if the file has none.</summary>
    public string? Autoencoder { get; }

    /// <summary>The prefix of the text encoder's names; null if the file has none.</summary>
    public string? TextEncoder { get; }

    /// <summary>Whether the only text encoder is OpenCLIP's.</summary>
    public bool IsOpenClip { get; }

    /// <summary>The prefix of the second text encoder's names, which are OpenCLIP's; null if the file has none.</summary>
    public string? TextEncoder2 { get; }

    /// <summary>The shapes of the tensors below a prefix, by the rest of their names.</summary>
    public Dictionary<string, long[]> Shapes(string prefix) => _file.Entries.Values
        .Where(entry => entry.Name.StartsWith(prefix, StringComparison.Ordinal))
        .ToDictionary(entry => entry.Name[prefix.Length..], entry => entry.Shape);

    /// <summary>The text encoders tell; without them, the width of the text that the UNet takes, and its pooled text.</summary>
    private ModelFamily FamilyOf()
    {
        if (TextEncoder == KeyMap.FirstTextEncoderPrefix || TextEncoder2 is not null
            || Has(UNet + "label_emb.0.0.weight") || Has(UNet + "add_embedding.linear_1.weight"))
            return ModelFamily.SDXL;
        if (TextEncoder is not null)
            return IsOpenClip ? ModelFamily.SD2 : ModelFamily.SD1;
        var keys = _file.Entries.Keys.FirstOrDefault(
            name => name.StartsWith(UNet, StringComparison.Ordinal) && name.EndsWith(".attn2.to_k.weight", StringComparison.Ordinal));
        return keys is not null && _file.Entries[keys].Shape is [_, 1024] ? ModelFamily.SD2 : ModelFamily.SD1;
    }

    private bool Has(string name) => _file.Entries.ContainsKey(name);

    private bool Begin(string prefix) => _file.Entries.Keys.Any(name => name.StartsWith(prefix, StringComparison.Ordinal));
}
