using System.Text.Json.Nodes;

namespace ControlNet.ML.Configuration;

/// <summary>
/// The shared configuration of a UNet's encoder and the control network, its trainable copy. Names and defaults are those of diffusers'
/// <c>UNet2DConditionModel</c> and <c>ControlNetModel</c>; lists have one entry per level, finest first.
/// </summary>
/// <remarks>Two configurations are equal if they describe the same network; <see cref="Warnings"/> are ignored.</remarks>
public abstract record EncoderConfig
{
    private protected const string CrossAttentionDown = "CrossAttnDownBlock2D";
    private protected const string PlainDown = "DownBlock2D";
    private protected const string CrossAttentionMiddle = "UNetMidBlock2DCrossAttn";
    private protected const string PlainMiddle = "UNetMidBlock2D";

    /// <summary>
    /// The released Stable Diffusion 1.5 encoder, except for <see cref="CrossAttentionDim"/>: 1280 is diffusers' default.
    /// </summary>
    private protected EncoderConfig()
    {
    }

    private protected EncoderConfig(ConfigReader reader)
    {
        InChannels = reader.Whole("in_channels", InChannels);
        FlipSinToCos = reader.Flag("flip_sin_to_cos", FlipSinToCos);
        FreqShift = reader.Number("freq_shift", FreqShift);
        DownBlockTypes = reader.Texts("down_block_types", DownBlockTypes);
        MidBlockType = reader.Find("mid_block_type") is null ? MidBlockType : reader.TextOrNull("mid_block_type");
        OnlyCrossAttention = reader.SameFlag("only_cross_attention", OnlyCrossAttention);
        BlockOutChannels = reader.Wholes("block_out_channels", BlockOutChannels);
        LayersPerBlock = reader.SameWhole("layers_per_block", LayersPerBlock);
        DownsamplePadding = reader.Whole("downsample_padding", DownsamplePadding);
        MidBlockScaleFactor = reader.Number("mid_block_scale_factor", MidBlockScaleFactor);
        ActFn = reader.Activation("act_fn", ActFn);
        NormNumGroups = reader.Whole("norm_num_groups", NormNumGroups);
        NormEps = reader.Number("norm_eps", NormEps);
        CrossAttentionDim = reader.SameWhole("cross_attention_dim", CrossAttentionDim);

        // Validate refuses an empty or overlong list of levels; nothing is allocated from its length before that.
        var levels = Math.Min(Levels, ConfigRules.MostLevels);
        TransformerLayersPerBlock = reader.WholesPerLevel("transformer_layers_per_block", levels) ?? ConfigReader.Repeat(1, levels);
        AttentionHeadDim = reader.WholesPerLevel("attention_head_dim", levels) ?? ConfigReader.Repeat(8, levels);
        NumAttentionHeads = reader.WholesPerLevel("num_attention_heads", levels);
        UseLinearProjection = reader.Flag("use_linear_projection", UseLinearProjection);
        UpcastAttention = reader.Flag("upcast_attention", UpcastAttention);
        AdditionEmbedType = reader.TextOrNull("addition_embed_type");
        AdditionTimeEmbedDim = reader.WholeOrNull("addition_time_embed_dim");
        ProjectionClassEmbeddingsInputDim = reader.WholeOrNull("projection_class_embeddings_input_dim");

        reader.Unsupported("class_embed_type", "null");
        reader.Unsupported("num_class_embeds", "null");
        reader.Unsupported("encoder_hid_dim", "null");
        reader.Unsupported("encoder_hid_dim_type", "null");
        reader.Unsupported("resnet_time_scale_shift", "\"default\"");
        reader.Ignore("addition_embed_type_num_heads");
    }

    /// <summary>Channels of the input: 4 for latents, 9 with mask and masked image, 5 with depth.</summary>
    public int InChannels { get; init; } = 4;

    /// <summary>Whether the time embedding is [cos, sin] rather than [sin, cos].</summary>
    public bool FlipSinToCos { get; init; } = true;

    /// <summary>Subtracted from half the width in the time embedding's exponents; 0 in all released models.</summary>
    public double FreqShift { get; init; }

    /// <summary>The block type of each level: <c>CrossAttnDownBlock2D</c> or <c>DownBlock2D</c>.</summary>
    public string[] DownBlockTypes { get; init; } = [CrossAttentionDown, CrossAttentionDown, CrossAttentionDown, PlainDown];

    /// <summary>
    /// <c>UNetMidBlock2DCrossAttn</c>: resnet, transformer, resnet; <c>UNetMidBlock2D</c>: a single resnet; or null, only in UNets: no
    /// middle block.
    /// </summary>
    public string? MidBlockType { get; init; } = CrossAttentionMiddle;

    /// <summary>
    /// Whether the first attention of each transformer layer in encoder and decoder also attends to the text (not in the middle block).
    /// </summary>
    public bool OnlyCrossAttention { get; init; }

    /// <summary>Channels of each level.</summary>
    public int[] BlockOutChannels { get; init; } = [320, 640, 1280, 1280];

    /// <summary>Residual blocks per level; the decoder has one more.</summary>
    public int LayersPerBlock { get; init; } = 2;

    /// <summary>Padding of the stride-2 convolutions: 1 on all sides, or 0 for one row and column at the end.</summary>
    public int DownsamplePadding { get; init; } = 1;

    /// <summary>Divisor of the middle block's residual sums.</summary>
    public double MidBlockScaleFactor { get; init; } = 1;

    /// <summary>The activation, <c>silu</c> (<c>swish</c> is its other name).</summary>
    public string ActFn { get; init; } = "silu";

    /// <summary>Number of groups of the group normalisations.</summary>
    public int NormNumGroups { get; init; } = 32;

    /// <summary>Epsilon of the residual blocks' and the output's normalisation; the transformers' is always 1e-6.</summary>
    public double NormEps { get; init; } = 1e-5;

    /// <summary>Width of the text embeddings: 768 (SD1), 1024 (SD2), 2048 (SDXL).</summary>
    public int CrossAttentionDim { get; init; } = 1280;

    /// <summary>
    /// Transformer layers in each attention of a level; the middle block has as many as the last level. With 0, as in the small and mid
    /// networks of SDXL, an attention consists only of its normalisation and both projections, added to its input.
    /// </summary>
    public int[] TransformerLayersPerBlock { get; init; } = [1, 1, 1, 1];

    /// <summary>
    /// The NUMBER of heads of each level, unless <see cref="NumAttentionHeads"/> is set: a misnomer that diffusers keeps for compatibility
    /// with released configurations. Use <see cref="HeadsPerLevel"/>.
    /// </summary>
    public int[] AttentionHeadDim { get; init; } = [8, 8, 8, 8];

    /// <summary>The number of heads of each level, in configurations that use the correct name.</summary>
    public int[]? NumAttentionHeads { get; init; }

    /// <summary>Whether the transformers are surrounded by linear layers (SD2, SDXL) rather than 1x1 convolutions (SD1).</summary>
    public bool UseLinearProjection { get; init; }

    /// <summary>Whether attention scores are computed in float32 whatever the weights' type (otherwise SD2 overflows float16).</summary>
    public bool UpcastAttention { get; init; }

    /// <summary>
    /// Null, or <c>text_time</c>: pooled text and six embeddings of size and crop are added to the time embedding (SDXL).
    /// </summary>
    public string? AdditionEmbedType { get; init; }

    /// <summary>Width of each of the six sinusoidal embeddings, 256 in SDXL.</summary>
    public int? AdditionTimeEmbedDim { get; init; }

    /// <summary>Width of pooled text and the six embeddings together, 2816 in SDXL.</summary>
    public int? ProjectionClassEmbeddingsInputDim { get; init; }

    /// <summary>Warnings about unknown keys, for the log.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>The number of levels.</summary>
    public int Levels => BlockOutChannels.Length;

    /// <summary>Channels of the skip connections, in order.</summary>
    internal IEnumerable<int> SkipChannels => SkipConnections.Of(BlockOutChannels, LayersPerBlock).Select(skip => skip.Channels);

    /// <summary>The number of attention heads of each level.</summary>
    public int[] HeadsPerLevel => NumAttentionHeads ?? AttentionHeadDim;

    /// <summary>Width of the time embedding, four times the first level's channels.</summary>
    public int TimeEmbedDim => BlockOutChannels[0] * 4;

    /// <summary>Whether a level of the encoder has attention.</summary>
    /// <param name="level">The level, 0 the finest.</param>
    /// <returns>True if it has.</returns>
    public bool HasAttention(int level) => DownBlockTypes[level] == CrossAttentionDown;

    /// <summary>Whether there is a middle block.</summary>
    public bool HasMiddle => MidBlockType is not null;

    /// <summary>Whether the middle block has attention, between two resnets; otherwise it is a single resnet.</summary>
    public bool HasMiddleAttention => MidBlockType == CrossAttentionMiddle;

    /// <summary>Checks that the values are in range and consistent; every reader calls it.</summary>
    /// <param name="source">The file's name for the message.</param>
    /// <exception cref="ControlNetException">They are not; the message names the key, the value and what was expected.</exception>
    public virtual void Check(string source = "configuration")
    {
        var rules = new ConfigRules(source);
        rules.Levels("block_out_channels", BlockOutChannels);
        rules.Each("block_out_channels", BlockOutChannels, 1, ConfigRules.MostChannels);
        rules.Range("in_channels", InChannels, 1, ConfigRules.MostChannels);
        rules.Length("down_block_types", DownBlockTypes, Levels);
        foreach (var type in DownBlockTypes)
            rules.OneOf("down_block_types", type, CrossAttentionDown, PlainDown);
        if (MidBlockType is not null)
            rules.OneOf("mid_block_type", MidBlockType, CrossAttentionMiddle, PlainMiddle);
        rules.Range("layers_per_block", LayersPerBlock, 1, ConfigRules.MostLayers);
        rules.Range("downsample_padding", DownsamplePadding, 0, 1);
        rules.Positive("mid_block_scale_factor", MidBlockScaleFactor);
        rules.Range("freq_shift", FreqShift, 0, (BlockOutChannels[0] / 2.0) - 0.5);
        rules.OneOf("act_fn", ActFn, "silu");
        rules.Range("norm_num_groups", NormNumGroups, 1, ConfigRules.MostChannels);
        foreach (var channels in BlockOutChannels)
            rules.Divides("norm_num_groups", NormNumGroups, "each of 'block_out_channels'", channels);
        rules.Positive("norm_eps", NormEps);
        rules.Range("cross_attention_dim", CrossAttentionDim, 1, ConfigRules.MostChannels);
        rules.Length("transformer_layers_per_block", TransformerLayersPerBlock, Levels);
        rules.Each("transformer_layers_per_block", TransformerLayersPerBlock, 0, ConfigRules.MostLayers);
        ValidateHeads(rules);
        ValidateAddition(rules);
    }

    private void ValidateHeads(ConfigRules rules)
    {
        var key = NumAttentionHeads is null ? "attention_head_dim" : "num_attention_heads";
        rules.Length(key, HeadsPerLevel, Levels);
        rules.Each(key, HeadsPerLevel, 1, ConfigRules.MostChannels);
        for (var level = 0; level < Levels; level++)
        {
            // The middle block takes its number of heads from the last level, even if that has no attention.
            if (HasAttention(level) || (level == Levels - 1 && HasMiddleAttention))
                rules.Divides(
                    key, HeadsPerLevel[level], $"the channels of level {level} (it means the number of heads)", BlockOutChannels[level]);
        }
    }

    private void ValidateAddition(ConfigRules rules)
    {
        if (AdditionEmbedType is null)
            return;
        rules.OneOf("addition_embed_type", AdditionEmbedType, "text_time");
        rules.Range("addition_time_embed_dim", AdditionTimeEmbedDim ?? 0, 1, ConfigRules.MostChannels);
        rules.Range(
            "projection_class_embeddings_input_dim",
            ProjectionClassEmbeddingsInputDim ?? 0,
            1 + (6 * AdditionTimeEmbedDim!.Value),
            1 << 20);
    }

    /// <summary>The shared keys and their values, in diffusers' format.</summary>
    private protected Dictionary<string, JsonNode?> SharedJson() => new()
    {
        ["in_channels"] = InChannels,
        ["flip_sin_to_cos"] = FlipSinToCos,
        ["freq_shift"] = FreqShift,
        ["down_block_types"] = ConfigJson.List(DownBlockTypes),
        ["mid_block_type"] = MidBlockType,
        ["only_cross_attention"] = OnlyCrossAttention,
        ["block_out_channels"] = ConfigJson.List(BlockOutChannels),
        ["layers_per_block"] = LayersPerBlock,
        ["downsample_padding"] = DownsamplePadding,
        ["mid_block_scale_factor"] = MidBlockScaleFactor,
        ["act_fn"] = ActFn,
        ["norm_num_groups"] = NormNumGroups,
        ["norm_eps"] = NormEps,
        ["cross_attention_dim"] = CrossAttentionDim,
        ["transformer_layers_per_block"] = ConfigJson.PerLevel(TransformerLayersPerBlock),
        ["attention_head_dim"] = ConfigJson.PerLevel(AttentionHeadDim),
        ["num_attention_heads"] = NumAttentionHeads is null ? null : ConfigJson.PerLevel(NumAttentionHeads),
        ["use_linear_projection"] = UseLinearProjection,
        ["upcast_attention"] = UpcastAttention,
        ["addition_embed_type"] = AdditionEmbedType,
        ["addition_time_embed_dim"] = AdditionTimeEmbedDim,
        ["projection_class_embeddings_input_dim"] = ProjectionClassEmbeddingsInputDim,
    };
}
