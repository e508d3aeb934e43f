namespace ControlNet.ML.Configuration;

/// <summary>
/// The configuration of transformers' <c>CLIPTextModel</c> and <c>CLIPTextModelWithProjection</c>, <c>text_encoder/config.json</c>.
/// </summary>
public sealed record ClipTextConfig
{
    private const string Plain = "CLIPTextModel";
    private const string Projecting = "CLIPTextModelWithProjection";

    /// <summary>transformers' defaults; change them with an initializer.</summary>
    public ClipTextConfig()
    {
    }

    private ClipTextConfig(ConfigReader reader)
    {
        new ConfigRules(reader.Source).OneOf("model_type", reader.Text("model_type", "clip_text_model"), "clip_text_model");
        foreach (var architecture in reader.Texts("architectures", [Plain]))
        {
            new ConfigRules(reader.Source).OneOf("architectures", architecture, Plain, Projecting);
            HasProjection |= architecture == Projecting;
        }

        VocabSize = reader.Whole("vocab_size", VocabSize);
        HiddenSize = reader.Whole("hidden_size", HiddenSize);
        IntermediateSize = reader.Whole("intermediate_size", IntermediateSize);
        NumHiddenLayers = reader.Whole("num_hidden_layers", NumHiddenLayers);
        NumAttentionHeads = reader.Whole("num_attention_heads", NumAttentionHeads);
        MaxPositionEmbeddings = reader.Whole("max_position_embeddings", MaxPositionEmbeddings);
        HiddenAct = reader.Text("hidden_act", HiddenAct);
        LayerNormEps = reader.Number("layer_norm_eps", LayerNormEps);
        ProjectionDim = reader.Whole("projection_dim", ProjectionDim);
        EosTokenId = reader.WholeOrNull("eos_token_id") ?? EosTokenId;
        BosTokenId = reader.WholeOrNull("bos_token_id") ?? BosTokenId;
        PadTokenId = reader.WholeOrNull("pad_token_id") ?? PadTokenId;

        // The weights know their own type (dtype is transformers 5's name for torch_dtype); the rest matters only in training from scratch.
        reader.Ignore(
            "dtype", "torch_dtype", "transformers_version", "attn_implementation", "_name_or_path", "_attn_implementation_autoset",
            "export_model_type");
        reader.Ignore(
            "attention_dropout",
            "dropout",
            "initializer_factor",
            "initializer_range",
            "use_cache",
            "return_dict",
            "output_attentions",
            "output_hidden_states");
        Warnings = reader.Warnings();
    }

    /// <summary>The text encoder of Stable Diffusion 1.5 and the first one of SDXL, CLIP ViT-L/14: 123,060,480 parameters.</summary>
    public static ClipTextConfig ClipL { get; } = new()
    {
        HiddenSize = 768,
        IntermediateSize = 3072,
        NumHiddenLayers = 12,
        NumAttentionHeads = 12,
        ProjectionDim = 768,
        EosTokenId = 2,
        BosTokenId = 0,
        PadTokenId = 1,
    };

    /// <summary>The text encoder of Stable Diffusion 2, OpenCLIP ViT-H/14 without its last layer: 340,387,840 parameters.</summary>
    internal static ClipTextConfig ClipH { get; } = ClipL with
    {
        HiddenSize = 1024,
        IntermediateSize = 4096,
        NumHiddenLayers = 23,
        NumAttentionHeads = 16,
        HiddenAct = "gelu",
        ProjectionDim = 512,
    };

    /// <summary>The second text encoder of SDXL, OpenCLIP ViT-bigG/14: 694,659,840 parameters.</summary>
    internal static ClipTextConfig ClipBigG { get; } = ClipL with
    {
        HiddenSize = 1280,
        IntermediateSize = 5120,
        NumHiddenLayers = 32,
        NumAttentionHeads = 20,
        HiddenAct = "gelu",
        ProjectionDim = 1280,
        HasProjection = true,
    };

    /// <summary>Size of the vocabulary.</summary>
    public int VocabSize { get; init; } = 49408;

    /// <summary>Width of the embeddings.</summary>
    public int HiddenSize { get; init; } = 512;

    /// <summary>Width inside the feed-forward layers.</summary>
    public int IntermediateSize { get; init; } = 2048;

    /// <summary>Number of transformer layers.</summary>
    public int NumHiddenLayers { get; init; } = 12;

    /// <summary>Heads of each attention.</summary>
    public int NumAttentionHeads { get; init; } = 8;

    /// <summary>Maximum prompt length in tokens, including start and end: 77.</summary>
    public int MaxPositionEmbeddings { get; init; } = 77;

    /// <summary><c>quick_gelu</c> (x·sigmoid(1.702x), OpenAI's models) or <c>gelu</c> (with erf, OpenCLIP's).</summary>
    public string HiddenAct { get; init; } = "quick_gelu";

    /// <summary>Epsilon of the layer normalisations.</summary>
    public double LayerNormEps { get; init; } = 1e-5;

    /// <summary>Width of the pooled projection, if there is one.</summary>
    public int ProjectionDim { get; init; } = 512;

    /// <summary>The end token. Released files contain 2, which is wrong and means: pool at the highest id of the row.</summary>
    public int EosTokenId { get; init; } = 49407;

    /// <summary>The start token according to the file; the tokenizer's takes precedence.</summary>
    public int BosTokenId { get; init; } = 49406;

    /// <summary>The padding token according to the file; the tokenizer's takes precedence.</summary>
    public int PadTokenId { get; init; } = 1;

    /// <summary>Whether the pooled output is projected (<c>CLIPTextModelWithProjection</c>, SDXL's second encoder).</summary>
    public bool HasProjection { get; init; }

    /// <summary>Warnings about unknown keys, for the log.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Reads <c>text_encoder/config.json</c>.</summary>
    /// <param name="json">The file's bytes.</param>
    /// <param name="source">The file's name for messages.</param>
    /// <returns>The configuration.</returns>
    /// <exception cref="ControlNetException">It is invalid; the message says what was found, where and what was expected.</exception>
    public static ClipTextConfig Parse(ReadOnlySpan<byte> json, string source)
    {
        var config = new ClipTextConfig(ConfigReader.Parse(json, source));
        config.Check(source);
        return config;
    }

    /// <summary>Checks that the values are in range and consistent; every reader calls it.</summary>
    /// <param name="source">The file's name for the message.</param>
    /// <exception cref="ControlNetException">They are not; the message names the key, the value and what was expected.</exception>
    public void Check(string source = "configuration")
    {
        var rules = new ConfigRules(source);
        rules.Range("vocab_size", VocabSize, 1, 1 << 24);
        rules.Range("hidden_size", HiddenSize, 1, ConfigRules.MostChannels);
        rules.Range("intermediate_size", IntermediateSize, 1, 1 << 20);
        rules.Range("num_hidden_layers", NumHiddenLayers, 1, 256);
        rules.Range("num_attention_heads", NumAttentionHeads, 1, ConfigRules.MostChannels);
        rules.Divides("num_attention_heads", NumAttentionHeads, "'hidden_size'", HiddenSize);
        rules.Range("max_position_embeddings", MaxPositionEmbeddings, 1, 1 << 16);
        rules.OneOf("hidden_act", HiddenAct, "quick_gelu", "gelu");
        rules.Positive("layer_norm_eps", LayerNormEps);
        rules.Range("projection_dim", ProjectionDim, HasProjection ? 1 : 0, ConfigRules.MostChannels);
    }

    /// <summary>The configuration as transformers writes it.</summary>
    /// <returns>JSON, keys sorted, indented by two spaces.</returns>
    public string ToJson() => ConfigJson.Write(new Dictionary<string, System.Text.Json.Nodes.JsonNode?>
    {
        ["architectures"] = ConfigJson.List([HasProjection ? Projecting : Plain]),
        ["model_type"] = "clip_text_model",
        ["vocab_size"] = VocabSize,
        ["hidden_size"] = HiddenSize,
        ["intermediate_size"] = IntermediateSize,
        ["num_hidden_layers"] = NumHiddenLayers,
        ["num_attention_heads"] = NumAttentionHeads,
        ["max_position_embeddings"] = MaxPositionEmbeddings,
        ["hidden_act"] = HiddenAct,
        ["layer_norm_eps"] = LayerNormEps,
        ["projection_dim"] = ProjectionDim,
        ["eos_token_id"] = EosTokenId,
        ["bos_token_id"] = BosTokenId,
        ["pad_token_id"] = PadTokenId,
    });

    /// <summary>Whether both describe the same network.</summary>
    /// <param name="other">The other.</param>
    /// <returns>True if all values are equal.</returns>
    public bool Equals(ClipTextConfig? other) => other is not null && ToJson() == other.ToJson();

    /// <inheritdoc/>
    public override int GetHashCode() => ToJson().GetHashCode(StringComparison.Ordinal);
}
