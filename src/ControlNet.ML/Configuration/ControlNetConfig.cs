namespace ControlNet.ML.Configuration;

/// <summary>
/// The configuration of diffusers' <c>ControlNetModel</c>, a control network's <c>config.json</c>; or of the paper's ControlNet-lite, which
/// diffusers does not have and which names itself <c>ControlNetLiteModel</c>.
/// </summary>
public sealed record ControlNetConfig : EncoderConfig
{
    private const string ClassName = "ControlNetModel";
    private const string LiteClassName = "ControlNetLiteModel";

    /// <summary>diffusers' defaults, to be changed with an initialiser.</summary>
    public ControlNetConfig()
    {
    }

    private ControlNetConfig(ConfigReader reader)
        : base(reader)
    {
        Lite = reader.ExpectClass(ClassName, LiteClassName) == LiteClassName;
        ConditioningChannels = reader.Whole("conditioning_channels", ConditioningChannels);
        ConditioningEmbeddingOutChannels = reader.Wholes("conditioning_embedding_out_channels", ConditioningEmbeddingOutChannels);
        ControlnetConditioningChannelOrder = reader.Text("controlnet_conditioning_channel_order", ControlnetConditioningChannelOrder);
        GlobalPoolConditions = reader.Flag("global_pool_conditions", GlobalPoolConditions);

        // Keys of the UNet that some training scripts copy along; the control network has no such parts.
        reader.Ignore("sample_size", "out_channels", "up_block_types");
        Warnings = reader.Warnings();
    }

    private ControlNetConfig(UNetConfig unet)
        : base(unet)
    {
        Warnings = [];
    }

    /// <summary>The control networks for Stable Diffusion 1.5: 361,279,120 parameters.</summary>
    public static ControlNetConfig StableDiffusion15 { get; } = FromUNet(UNetConfig.StableDiffusion15);

    /// <summary>Channels of the condition image, 3.</summary>
    public int ConditioningChannels { get; init; } = 3;

    /// <summary>Channels of the condition encoder's stages; each but the last is followed by a stride-2 convolution to the next.</summary>
    public int[] ConditioningEmbeddingOutChannels { get; init; } = [16, 32, 96, 256];

    /// <summary>Order of the condition's colors, <c>rgb</c>; or <c>bgr</c>, then they are reversed before the encoder.</summary>
    public string ControlnetConditioningChannelOrder { get; init; } = "rgb";

    /// <summary>Residuals are averaged over space (the shuffle model).</summary>
    public bool GlobalPoolConditions { get; init; }

    /// <summary>
    /// ControlNet-lite, the paper's ablation (section 4.3, Figure 8c): in place of each block of the trainable copy one 3x3 convolution, of as
    /// many channels, which knows neither time nor text.
    /// </summary>
    public bool Lite { get; init; }

    /// <summary>The size of a condition pixel relative to a latent's: 8 for the usual four stages.</summary>
    public int ConditionScale => 1 << (ConditioningEmbeddingOutChannels.Length - 1);

    /// <summary>The number of residuals for the encoder's skip connections, 12 for SD1 and SD2, 9 for SDXL; the middle block's comes on top.</summary>
    public int DownResiduals => 1 + (Levels * LayersPerBlock) + Levels - 1;

    /// <summary>
    /// Whether any layer attends to the prompt's tokens. The small networks of SDXL have none that does, and fit a base of any text width; their
    /// time embedding takes the pooled text nevertheless.
    /// </summary>
    public bool AttendsToText => !Lite
        && (Enumerable.Range(0, Levels).Any(level => HasAttention(level) && TransformerLayersPerBlock[level] > 0)
            || (HasMiddleAttention && TransformerLayersPerBlock[^1] > 0));

    /// <summary>Reads a control network's <c>config.json</c>.</summary>
    /// <param name="json">The file's bytes.</param>
    /// <param name="source">The file's name for messages.</param>
    /// <exception cref="ControlNetException">Something is wrong with it; the message says what, where and what was expected.</exception>
    public static ControlNetConfig Parse(ReadOnlySpan<byte> json, string source)
    {
        var config = new ControlNetConfig(ConfigReader.Parse(json, source));
        config.Validate(source);
        return config;
    }

    /// <summary>The configuration of a control network that is a trainable copy of this UNet's encoder.</summary>
    /// <param name="unet">The UNet. Its guidance embedding, if it has one, is not copied, as in diffusers.</param>
    public static ControlNetConfig FromUNet(UNetConfig unet)
    {
        ArgumentNullException.ThrowIfNull(unet);
        return new ControlNetConfig(unet);
    }

    /// <inheritdoc/>
    public override void Validate(string source = "configuration")
    {
        base.Validate(source);
        var rules = new ConfigRules(source);
        if (!HasMiddle)
            throw rules.Error("mid_block_type", "null", $"'{CrossAttentionMiddle}' or '{PlainMiddle}': the last residual comes from the middle block");
        rules.Range("conditioning_channels", ConditioningChannels, 1, ConfigRules.MostChannels);
        rules.Levels("conditioning_embedding_out_channels", ConditioningEmbeddingOutChannels);
        rules.Each("conditioning_embedding_out_channels", ConditioningEmbeddingOutChannels, 1, ConfigRules.MostChannels);
        if (Lite)
            rules.Range("downsample_padding", DownsamplePadding, 1, 1);
        rules.OneOf("controlnet_conditioning_channel_order", ControlnetConditioningChannelOrder, "rgb", "bgr");
    }

    /// <summary>The configuration as diffusers writes it.</summary>
    public string ToJson()
    {
        var json = SharedJson();
        json["_class_name"] = Lite ? LiteClassName : ClassName;
        json["conditioning_channels"] = ConditioningChannels;
        json["conditioning_embedding_out_channels"] = ConfigJson.List(ConditioningEmbeddingOutChannels);
        json["controlnet_conditioning_channel_order"] = ControlnetConditioningChannelOrder;
        json["global_pool_conditions"] = GlobalPoolConditions;
        return ConfigJson.Write(json);
    }

    /// <summary>Whether both describe the same network.</summary>
    /// <param name="other">The other.</param>
    public bool Equals(ControlNetConfig? other) => other is not null && ToJson() == other.ToJson();

    /// <inheritdoc/>
    public override int GetHashCode() => ToJson().GetHashCode(StringComparison.Ordinal);
}
