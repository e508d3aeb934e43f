namespace ControlNet.ML.Configuration;

/// <summary>
/// The configuration of diffusers' <c>AutoencoderKL</c>, <c>vae/config.json</c>. Lists have one entry per level, finest first.
/// </summary>
public sealed record AutoencoderConfig
{
    private const string Down = "DownEncoderBlock2D";
    private const string Up = "UpDecoderBlock2D";

    /// <summary>diffusers' defaults, a single level of 64 channels; change them with an initializer.</summary>
    public AutoencoderConfig()
    {
    }

    private AutoencoderConfig(ConfigReader reader)
    {
        reader.ExpectClass("AutoencoderKL");
        InChannels = reader.Whole("in_channels", InChannels);
        OutChannels = reader.Whole("out_channels", OutChannels);
        DownBlockTypes = reader.Texts("down_block_types", DownBlockTypes);
        UpBlockTypes = reader.Texts("up_block_types", UpBlockTypes);
        BlockOutChannels = reader.Wholes("block_out_channels", BlockOutChannels);
        LayersPerBlock = reader.Whole("layers_per_block", LayersPerBlock);
        ActFn = reader.Activation("act_fn", ActFn);
        LatentChannels = reader.Whole("latent_channels", LatentChannels);
        NormNumGroups = reader.Whole("norm_num_groups", NormNumGroups);
        SampleSize = reader.Whole("sample_size", SampleSize);
        ScalingFactor = reader.Number("scaling_factor", ScalingFactor);
        ShiftFactor = reader.NumberOrNull("shift_factor");
        UseQuantConv = reader.Flag("use_quant_conv", UseQuantConv);
        UsePostQuantConv = reader.Flag("use_post_quant_conv", UsePostQuantConv);
        MidBlockAddAttention = reader.Flag("mid_block_add_attention", MidBlockAddAttention);
        ForceUpcast = reader.Flag("force_upcast", ForceUpcast);
        reader.Unsupported("latents_mean", "null");
        reader.Unsupported("latents_std", "null");
        Warnings = reader.Warnings();
    }

    /// <summary>
    /// The autoencoder of Stable Diffusion 1.5: 83,653,863 parameters. SD2 has the same; SDXL differs in <see cref="ScalingFactor"/>,
    /// 0.13025, and in the weights.
    /// </summary>
    public static AutoencoderConfig StableDiffusion15 { get; } = new()
    {
        BlockOutChannels = [128, 256, 512, 512],
        DownBlockTypes = [Down, Down, Down, Down],
        UpBlockTypes = [Up, Up, Up, Up],
        LayersPerBlock = 2,
        SampleSize = 512,
    };

    /// <summary>Channels of the input image, 3.</summary>
    public int InChannels { get; init; } = 3;

    /// <summary>Channels of the decoded image, 3.</summary>
    public int OutChannels { get; init; } = 3;

    /// <summary>The block type of each level: <c>DownEncoderBlock2D</c>.</summary>
    public string[] DownBlockTypes { get; init; } = [Down];

    /// <summary>The block type of each level, from the coarsest up: <c>UpDecoderBlock2D</c>.</summary>
    public string[] UpBlockTypes { get; init; } = [Up];

    /// <summary>Channels of each level.</summary>
    public int[] BlockOutChannels { get; init; } = [64];

    /// <summary>Residual blocks per level; the decoder has one more.</summary>
    public int LayersPerBlock { get; init; } = 1;

    /// <summary>The activation, <c>silu</c> (<c>swish</c> is its other name).</summary>
    public string ActFn { get; init; } = "silu";

    /// <summary>Channels of the latents, 4; the encoder outputs twice as many, for mean and log-variance.</summary>
    public int LatentChannels { get; init; } = 4;

    /// <summary>Number of groups of the group normalisations, whose epsilon is 1e-6.</summary>
    public int NormNumGroups { get; init; } = 32;

    /// <summary>Height and width of the images that it was trained with.</summary>
    public int SampleSize { get; init; } = 32;

    /// <summary>
    /// Latents are multiplied by this factor before diffusion and divided by it before decoding, so that they have unit variance.
    /// </summary>
    public double ScalingFactor { get; init; } = 0.18215;

    /// <summary>Shift that is subtracted from the latents before scaling, or null for none.</summary>
    public double? ShiftFactor { get; init; }

    /// <summary>Whether there is a 1x1 convolution after the encoder.</summary>
    public bool UseQuantConv { get; init; } = true;

    /// <summary>Whether there is a 1x1 convolution before the decoder.</summary>
    public bool UsePostQuantConv { get; init; } = true;

    /// <summary>Whether the middle blocks have a single-head attention.</summary>
    public bool MidBlockAddAttention { get; init; } = true;

    /// <summary>Whether the network overflows in float16 and must run in float32 (SDXL's first release).</summary>
    public bool ForceUpcast { get; init; } = true;

    /// <summary>Warnings about unknown keys, for the log.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>The number of levels.</summary>
    public int Levels => BlockOutChannels.Length;

    /// <summary>Image pixels per latent in each direction: 2^(levels-1), 8 in all released models.</summary>
    public int ScaleFactor => 1 << (Levels - 1);

    /// <summary>Reads <c>vae/config.json</c>.</summary>
    /// <param name="json">The file's bytes.</param>
    /// <param name="source">The file's name for messages.</param>
    /// <returns>The configuration.</returns>
    /// <exception cref="ControlNetException">It is invalid; the message says what was found, where and what was expected.</exception>
    public static AutoencoderConfig Parse(ReadOnlySpan<byte> json, string source)
    {
        var config = new AutoencoderConfig(ConfigReader.Parse(json, source));
        config.Check(source);
        return config;
    }

    /// <summary>Checks that the values are in range and consistent; every reader calls it.</summary>
    /// <param name="source">The file's name for the message.</param>
    /// <exception cref="ControlNetException">They are not; the message names the key, the value and what was expected.</exception>
    public void Check(string source = "configuration")
    {
        var rules = new ConfigRules(source);
        rules.Levels("block_out_channels", BlockOutChannels);
        rules.Each("block_out_channels", BlockOutChannels, 1, ConfigRules.MostChannels);
        rules.Range("in_channels", InChannels, 1, ConfigRules.MostChannels);
        rules.Range("out_channels", OutChannels, 1, ConfigRules.MostChannels);
        rules.Length("down_block_types", DownBlockTypes, Levels);
        foreach (var type in DownBlockTypes)
            rules.OneOf("down_block_types", type, Down);
        rules.Length("up_block_types", UpBlockTypes, Levels);
        foreach (var type in UpBlockTypes)
            rules.OneOf("up_block_types", type, Up);
        rules.Range("layers_per_block", LayersPerBlock, 1, ConfigRules.MostLayers);
        rules.OneOf("act_fn", ActFn, "silu");
        rules.Range("latent_channels", LatentChannels, 1, ConfigRules.MostChannels);
        rules.Range("norm_num_groups", NormNumGroups, 1, ConfigRules.MostChannels);
        foreach (var channels in BlockOutChannels)
            rules.Divides("norm_num_groups", NormNumGroups, "each of 'block_out_channels'", channels);
        rules.Range("sample_size", SampleSize, 1, 1 << 16);
        rules.Positive("scaling_factor", ScalingFactor);
        rules.Range("shift_factor", ShiftFactor ?? 0, -1e6, 1e6);
    }

    /// <summary>The configuration as diffusers writes it.</summary>
    /// <returns>JSON, keys sorted, indented by two spaces.</returns>
    public string ToJson() => ConfigJson.Write(new Dictionary<string, System.Text.Json.Nodes.JsonNode?>
    {
        ["_class_name"] = "AutoencoderKL",
        ["in_channels"] = InChannels,
        ["out_channels"] = OutChannels,
        ["down_block_types"] = ConfigJson.List(DownBlockTypes),
        ["up_block_types"] = ConfigJson.List(UpBlockTypes),
        ["block_out_channels"] = ConfigJson.List(BlockOutChannels),
        ["layers_per_block"] = LayersPerBlock,
        ["act_fn"] = ActFn,
        ["latent_channels"] = LatentChannels,
        ["norm_num_groups"] = NormNumGroups,
        ["sample_size"] = SampleSize,
        ["scaling_factor"] = ScalingFactor,
        ["shift_factor"] = ShiftFactor,
        ["latents_mean"] = null,
        ["latents_std"] = null,
        ["use_quant_conv"] = UseQuantConv,
        ["use_post_quant_conv"] = UsePostQuantConv,
        ["mid_block_add_attention"] = MidBlockAddAttention,
        ["force_upcast"] = ForceUpcast,
    });

    /// <summary>Whether both describe the same network.</summary>
    /// <param name="other">The other.</param>
    /// <returns>True if all values are equal.</returns>
    public bool Equals(AutoencoderConfig? other) => other is not null && ToJson() == other.ToJson();

    /// <inheritdoc/>
    public override int GetHashCode() => ToJson().GetHashCode(StringComparison.Ordinal);
}
