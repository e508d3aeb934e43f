namespace ControlNet.ML.Configuration;

/// <summary>The configuration of diffusers' <c>UNet2DConditionModel</c>, <c>unet/config.json</c>.</summary>
public sealed record UNetConfig : EncoderConfig
{
    private const string CrossAttentionUp = "CrossAttnUpBlock2D";
    private const string PlainUp = "UpBlock2D";

    /// <summary>diffusers' defaults; change them with an initializer.</summary>
    public UNetConfig()
    {
    }

    private UNetConfig(ConfigReader reader)
        : base(reader)
    {
        reader.ExpectClass("UNet2DConditionModel");
        SampleSize = reader.WholeOrNull("sample_size");
        OutChannels = reader.Whole("out_channels", OutChannels);
        UpBlockTypes = reader.Texts("up_block_types", UpBlockTypes);
        TimeCondProjDim = reader.WholeOrNull("time_cond_proj_dim");
        reader.Unsupported("center_input_sample", "false");
        reader.Unsupported("class_embeddings_concat", "false");
        reader.Unsupported("conv_in_kernel", "3");
        reader.Unsupported("conv_out_kernel", "3");
        reader.Unsupported("attention_type", "\"default\"");
        reader.Unsupported("cross_attention_norm", "null");
        reader.Unsupported("dual_cross_attention", "false");
        reader.Unsupported("dropout", "0");
        reader.Unsupported("mid_block_only_cross_attention", "null", "false");
        reader.Unsupported("resnet_out_scale_factor", "1");
        reader.Unsupported("resnet_skip_time_act", "false");
        reader.Unsupported("reverse_transformer_layers_per_block", "null");
        reader.Unsupported("time_embedding_act_fn", "null");
        reader.Unsupported("time_embedding_dim", "null");
        reader.Unsupported("time_embedding_type", "\"positional\"");
        reader.Unsupported("timestep_post_act", "null");
        Warnings = reader.Warnings();
    }

    /// <summary>Stable Diffusion 1.5: 859,520,964 parameters.</summary>
    public static UNetConfig StableDiffusion15 { get; } = new() { SampleSize = 64, CrossAttentionDim = 768 };

    /// <summary>Height and width of the latents that the model was trained with; null if the file does not say.</summary>
    public int? SampleSize { get; init; }

    /// <summary><see cref="SampleSize"/>, or the paper's 64 if the file does not say.</summary>
    internal int TrainedSide => SampleSize ?? Diffusion.ControlWeights.PaperSide;

    /// <summary>Channels of the output, 4.</summary>
    public int OutChannels { get; init; } = 4;

    /// <summary>The block type of each level, from the coarsest up: <c>CrossAttnUpBlock2D</c> or <c>UpBlock2D</c>.</summary>
    public string[] UpBlockTypes { get; init; } = [PlainUp, CrossAttentionUp, CrossAttentionUp, CrossAttentionUp];

    /// <summary>Width of the guidance embedding that is added to the time embedding (latent consistency models), or null.</summary>
    public int? TimeCondProjDim { get; init; }

    /// <summary>Reads <c>unet/config.json</c>.</summary>
    /// <param name="json">The file's bytes.</param>
    /// <param name="source">The file's name for messages.</param>
    /// <returns>The configuration.</returns>
    /// <exception cref="ControlNetException">It is invalid; the message says what was found, where and what was expected.</exception>
    public static UNetConfig Parse(ReadOnlySpan<byte> json, string source)
    {
        var config = new UNetConfig(ConfigReader.Parse(json, source));
        config.Check(source);
        return config;
    }

    /// <summary>Whether a block of the decoder has attention.</summary>
    /// <param name="block">The block's index, 0 for the coarsest.</param>
    /// <returns>True if it has.</returns>
    public bool HasUpAttention(int block) => UpBlockTypes[block] == CrossAttentionUp;

    /// <inheritdoc/>
    public override void Check(string source = "configuration")
    {
        base.Check(source);
        var rules = new ConfigRules(source);
        rules.Range("sample_size", SampleSize ?? 1, 1, 1 << 14);
        rules.Range("out_channels", OutChannels, 1, ConfigRules.MostChannels);
        rules.Range("time_cond_proj_dim", TimeCondProjDim ?? 1, 1, ConfigRules.MostChannels);
        rules.Length("up_block_types", UpBlockTypes, Levels);
        for (var block = 0; block < Levels; block++)
        {
            rules.OneOf("up_block_types", UpBlockTypes[block], CrossAttentionUp, PlainUp);
            var level = Levels - 1 - block;
            if (HasUpAttention(block))
                rules.Divides(
                    "attention_head_dim",
                    HeadsPerLevel[level],
                    $"the channels of level {level} (it means the number of heads)",
                    BlockOutChannels[level]);
        }
    }

    /// <summary>The configuration as diffusers writes it.</summary>
    /// <returns>JSON, keys sorted, indented by two spaces.</returns>
    public string ToJson()
    {
        var json = SharedJson();
        json["_class_name"] = "UNet2DConditionModel";
        json["sample_size"] = SampleSize;
        json["out_channels"] = OutChannels;
        json["up_block_types"] = ConfigJson.List(UpBlockTypes);
        json["time_cond_proj_dim"] = TimeCondProjDim;
        return ConfigJson.Write(json);
    }

    /// <summary>Whether both describe the same network.</summary>
    /// <param name="other">The other.</param>
    /// <returns>True if all values are equal.</returns>
    public bool Equals(UNetConfig? other) => other is not null && ToJson() == other.ToJson();

    /// <inheritdoc/>
    public override int GetHashCode() => ToJson().GetHashCode(StringComparison.Ordinal);
}
