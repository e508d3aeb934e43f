namespace ControlNet.ML.Configuration;

/// <summary>
/// The configuration of diffusers' <c>ControlNetModel</c>, a control network's <c>config.json</c>; or of the paper's ControlNet-lite, which
/// diffusers does not have and whose class name here is <c>ControlNetLiteModel</c>.
/// </summary>
public sealed record ControlNetConfig : EncoderConfig
{
    private const string ClassName = "ControlNetModel";
    private const string LiteClassName = "ControlNetLiteModel";

    /// <summary>diffusers' defaults; change them with an initializer.</summary>
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

        // Keys of the UNet that some training scripts also copy; the control network has no such parts.
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

    /// <summary>Channels of the condition encoder's stages; each except the last is followed by a stride-2 convolution.</summary>
    public int[] ConditioningEmbeddingOutChannels { get; init; } = [16, 32, 96, 256];

    /// <summary>
    /// Channel order of the condition, <c>rgb</c>; or <c>bgr</c>, in which case the channels are reversed before the encoder.
    /// </summary>
    public string ControlnetConditioningChannelOrder { get; init; } = "rgb";

    /// <summary>Whether residuals are averaged over height and width (the shuffle model).</summary>
    public bool GlobalPoolConditions { get; init; }

    /// <summary>
    /// Whether it is ControlNet-lite, the paper's ablation (section 4.3, Figure 8c): each block of the trainable copy is replaced by one
    /// 3x3 convolution with the same number of channels, without time or text.
    /// </summary>
    public bool Lite { get; init; }

    /// <summary>The name of the class in configuration files.</summary>
    internal string DiffusersClass => Lite ? LiteClassName : ClassName;

    /// <summary>Pixels of the condition per latent in each direction: 8 for the usual four stages.</summary>
    public int ConditionScale => 1 << (ConditioningEmbeddingOutChannels.Length - 1);

    /// <summary>
    /// The number of residuals for the encoder's skip connections, 12 for SD1 and SD2, 9 for SDXL; the middle block's is one more.
    /// </summary>
    public int DownResiduals => 1 + (Levels * LayersPerBlock) + Levels - 1;

    /// <summary>
    /// Whether any layer attends to the prompt's tokens. The small SDXL networks have no such layer and fit a base of any text width,
    /// although their time embedding takes the pooled text.
    /// </summary>
    public bool AttendsToText => !Lite
        && (Enumerable.Range(0, Levels).Any(level => HasAttention(level) && TransformerLayersPerBlock[level] > 0)
            || (HasMiddleAttention && TransformerLayersPerBlock[^1] > 0));

    /// <summary>Reads a control network's <c>config.json</c>.</summary>
    /// <param name="json">The file's bytes.</param>
    /// <param name="source">The file's name for messages.</param>
    /// <returns>The configuration.</returns>
    /// <exception cref="ControlNetException">It is invalid; the message says what was found, where and what was expected.</exception>
    public static ControlNetConfig Parse(ReadOnlySpan<byte> json, string source)
    {
        var config = new ControlNetConfig(ConfigReader.Parse(json, source));
        config.Check(source);
        return config;
    }

    /// <summary>Creates the configuration of a control network that is a trainable copy of a UNet's encoder.</summary>
    /// <param name="unet">The UNet. Its guidance embedding, if it has one, is not copied, as in diffusers.</param>
    /// <returns>The configuration.</returns>
    public static ControlNetConfig FromUNet(UNetConfig unet)
    {
        ArgumentNullException.ThrowIfNull(unet);
        return new ControlNetConfig(unet);
    }

    /// <inheritdoc/>
    public override void Check(string source = "configuration")
    {
        base.Check(source);
        var rules = new ConfigRules(source);
        if (!HasMiddle)
            throw rules.Error(
                "mid_block_type", "null", $"'{CrossAttentionMiddle}' or '{PlainMiddle}': the last residual comes from the middle block");
        rules.Range("conditioning_channels", ConditioningChannels, 1, ConfigRules.MostChannels);
        rules.Levels("conditioning_embedding_out_channels", ConditioningEmbeddingOutChannels);
        rules.Each("conditioning_embedding_out_channels", ConditioningEmbeddingOutChannels, 1, ConfigRules.MostChannels);
        if (Lite)
            rules.Range("downsample_padding", DownsamplePadding, 1, 1);
        rules.OneOf("controlnet_conditioning_channel_order", ControlnetConditioningChannelOrder, "rgb", "bgr");
    }

    /// <summary>The configuration as diffusers writes it.</summary>
    /// <returns>JSON, keys sorted, indented by two spaces.</returns>
    public string ToJson()
    {
        var json = SharedJson();
        json["_class_name"] = DiffusersClass;
        json["conditioning_channels"] = ConditioningChannels;
        json["conditioning_embedding_out_channels"] = ConfigJson.List(ConditioningEmbeddingOutChannels);
        json["controlnet_conditioning_channel_order"] = ControlnetConditioningChannelOrder;
        json["global_pool_conditions"] = GlobalPoolConditions;
        return ConfigJson.Write(json);
    }

    /// <summary>Whether both describe the same network.</summary>
    /// <param name="other">The other.</param>
    /// <returns>True if all values are equal.</returns>
    public bool Equals(ControlNetConfig? other) => other is not null && ToJson() == other.ToJson();

    /// <inheritdoc/>
    public override int GetHashCode() => ToJson().GetHashCode(StringComparison.Ordinal);
}
