using ControlNet.ML.Configuration;

namespace ControlNet.ML.Weights;

/// <summary>
/// Infers the configuration of the encoder, which UNet and control network share, from the shapes of its tensors. What shapes do not
/// determine is taken from the family, which follows from the text width: 8 heads everywhere (768, SD1), else 64 channels per head (SD2,
/// SDXL). If no layer attends to the text, heads and text width have no effect; an embedding of pooled text then means SDXL, linear
/// projections SD2.
/// </summary>
/// <param name="shapes">The tensors, without prefix.</param>
/// <param name="isOriginal">Whether they have the original names.</param>
/// <param name="source">The file's name for messages.</param>
internal abstract class EncoderShapes(IReadOnlyDictionary<string, long[]> shapes, bool isOriginal, string source)
    : TensorShapes(shapes, source)
{
    private const int SD1TextWidth = 768;
    private const int SD2TextWidth = 1024;
    private const int SdxlTextWidth = 2048;
    private const int HeadWidth = 64;

    /// <summary>Whether the tensors have the original names.</summary>
    protected bool IsOriginal => isOriginal;

    /// <summary>A configuration with the encoder's values.</summary>
    protected T Encoder<T>(T config)
        where T : EncoderConfig
    {
        var layers = LayersPerBlock();
        var channels = new List<int>();
        var attentions = new List<string?>();
        while (channels.Count < ConfigRules.MostLevels && Has(Residual(channels.Count, layers)))
        {
            attentions.Add(IfAttention(Attention(channels.Count, layers)));
            channels.Add(Size(Residual(channels.Count, layers), 0, 4));
        }

        if (channels.Count == 0)
            throw Unknown($"it has no '{Residual(0, layers)}'");

        // The middle block has as many transformer layers as the last level.
        var middle = IfAttention(isOriginal ? "middle_block.1" : "mid_block.attentions.0");
        string?[] deciding = [.. attentions.SkipLast(1), middle ?? attentions[^1]];
        var depths = Depths(deciding);
        var addition = isOriginal ? "label_emb.0.0.weight" : "add_embedding.linear_1.weight";
        var linear = deciding.OfType<string>().LastOrDefault() is { } any ? Rank(any + ".proj_in.weight") == 2 : Has(addition);
        var textWidth = TextWidth(deciding) ?? (Has(addition) ? SdxlTextWidth : linear ? SD2TextWidth : SD1TextWidth);
        return config with
        {
            InChannels = Size(isOriginal ? "input_blocks.0.0.weight" : "conv_in.weight", 1, 4),
            BlockOutChannels = [.. channels],
            DownBlockTypes = [.. attentions.Select(attention => attention is null ? "DownBlock2D" : "CrossAttnDownBlock2D")],
            MidBlockType = middle is null ? "UNetMidBlock2D" : "UNetMidBlock2DCrossAttn",
            LayersPerBlock = layers,
            TransformerLayersPerBlock = depths,
            AttentionHeadDim = [.. channels.Select(
                (width, level) => Heads(width, textWidth, matters: deciding[level] is not null && depths[level] > 0))],
            CrossAttentionDim = textWidth,
            UseLinearProjection = linear,
            UpcastAttention = textWidth == SD2TextWidth,
            AdditionEmbedType = Has(addition) ? "text_time" : null,
            AdditionTimeEmbedDim = Has(addition) ? 256 : null,
            ProjectionClassEmbeddingsInputDim = Has(addition) ? Size(addition, 1, 2) : null,
        };
    }

    /// <summary>Residual blocks of the first level; in the original naming, the downsampler has the next number.</summary>
    private int LayersPerBlock() =>
        Count(j => isOriginal ? Text($"input_blocks.{j + 1}.0.in_layers.2.weight") : Text($"down_blocks.0.resnets.{j}.conv1.weight"));

    /// <summary>
    /// Transformer layers of each level. A level without attention does not determine its own; it gets the value of the published
    /// configurations: 0 in the small and mid networks, recognised by an attention without layers, else 1.
    /// </summary>
    private int[] Depths(string?[] attentions)
    {
        int?[] depths = [.. attentions.Select(
            attention => attention is null ? (int?)null : Count(i => Text($"{attention}.transformer_blocks.{i}.norm1.weight")))];
        var rest = depths.Contains(0) ? 0 : 1;
        return [.. depths.Select(depth => depth ?? rest)];
    }

    /// <summary>The text width: columns of the key projection in the last attention that has a layer; null if none has.</summary>
    private int? TextWidth(string?[] attentions)
    {
        var keys = attentions.OfType<string>().Select(attention => attention + ".transformer_blocks.0.attn2.to_k.weight")
            .LastOrDefault(Has);
        return keys is null ? null : Size(keys, 1, 2);
    }

    /// <param name="width">Channels of the level.</param>
    /// <param name="textWidth">The text width, which identifies the family.</param>
    /// <param name="matters">Whether the level has attention with layers; otherwise any divisor of the channels will do.</param>
    private int Heads(int width, int textWidth, bool matters) => (textWidth == SD1TextWidth, width % HeadWidth) switch
    {
        (true, _) => 8,
        (false, 0) => width / HeadWidth,
        _ => matters ? throw Unknown($"{width} channels do not divide into heads of {HeadWidth}") : 1,
    };

    private string? IfAttention(string name) => Has(name + ".proj_in.weight") ? name : null;

    private string Residual(int level, int layers) =>
        isOriginal
            ? Text($"input_blocks.{1 + (level * (layers + 1))}.0.in_layers.2.weight")
            : Text($"down_blocks.{level}.resnets.0.conv1.weight");

    private string Attention(int level, int layers) =>
        isOriginal ? Text($"input_blocks.{1 + (level * (layers + 1))}.1") : Text($"down_blocks.{level}.attentions.0");
}
