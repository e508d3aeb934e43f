using ControlNet.ML.Configuration;
using ControlNet.ML.Weights.Graphs;

namespace ControlNet.ML.Onnx;

/// <summary>Reads what graphs say about their networks.</summary>
internal static class GraphReader
{
    /// <summary>What a graph is.</summary>
    public static GraphKind Kind(OnnxSignature signature)
    {
        var (inputs, outputs) = (signature.Inputs, signature.Outputs);
        var isDenoiser = inputs.Find(GraphNames.Sample) is not null && inputs.Find(GraphNames.Timestep) is not null;
        if (inputs.Find(GraphNames.Condition, GraphNames.Hint) is not null)
            return outputs.Count > 1 ? GraphKind.ControlNetwork
                : inputs.Count == 1 ? GraphKind.ConditionEncoder
                : GraphKind.Other;
        if (isDenoiser && inputs.Find(GraphNames.Conditions) is not null)
            return GraphKind.MergedUNet;
        if (isDenoiser && inputs.Find(GraphNames.Text) is not null)
            return inputs.Residuals() is null ? GraphKind.UNet : GraphKind.ControlledUNet;
        if (inputs.Find(GraphNames.Ids) is not null)
            return GraphKind.TextEncoder;
        if (inputs is not [{ Shape.Count: 4 } only])
            return GraphKind.Other;
        return only.Name == GraphNames.Latents ? GraphKind.ImageDecoder
            : only.Name == GraphNames.Sample ? GraphKind.ImageEncoder
            : GraphKind.Other;
    }

    /// <summary>The files of a graph: itself and those with its weights.</summary>
    /// <exception cref="ControlNetException">A file's name leads out of the graph's folder.</exception>
    public static IReadOnlyList<string> Files(GraphOutline outline)
    {
        var path = Path.GetFullPath(outline.Source);
        return [path, .. outline.External.Order(StringComparer.Ordinal).Select(name => External(path, name))];
    }

    /// <summary>The multiple that the sides of a UNet's latents must be of: a traced graph doubles them a fixed number of times.</summary>
    public static int LatentMultiple(GraphOutline outline) =>
        1 << Math.Min(
            8, outline.Nodes.Count(node => node.Operator == "Upsample" || (node.Operator == "Resize" && node.Input(3).Length == 0)));

    /// <summary>The configuration of a UNet, from its graph.</summary>
    public static UNetConfig UNet(GraphOutline outline)
    {
        var signature = outline.Signature;
        var config = new UNetConfig
        {
            InChannels = Size(signature.Inputs.Find(GraphNames.Sample), 1) ?? 4,
            OutChannels = Size(signature.Outputs[0], 1) ?? 4,
            CrossAttentionDim = TextWidth(outline) ?? throw Unknown(outline, "the width of its text embeddings"),
            TimeCondProjDim = signature.Inputs.Find(GraphNames.GuidanceCondition) is { } condition
                ? Size(condition, 1) ?? throw Unknown(outline, "the width of its guidance embedding")
                : null,
        };
        var (channels, layers) = signature.Inputs.Residuals() is { } residuals && ResidualLayout.Of(residuals) is { } layout
            ? layout
            : ConvolutionLayout.Of(outline) ?? Family(config.CrossAttentionDim) ?? throw Unknown(outline, "the channels of its levels");
        return WithSizes(config with { BlockOutChannels = channels, LayersPerBlock = layers }, outline);
    }

    /// <summary>The configuration of a control network, from its graph.</summary>
    public static ControlNetConfig Control(GraphOutline outline)
    {
        var inputs = outline.Signature.Inputs;
        var residuals = outline.Signature.Outputs.Residuals() ?? outline.Signature.Outputs;
        var (channels, layers) = ResidualLayout.Of(residuals) ?? Family(TextWidth(outline) ?? 0)
            ?? throw Unknown(outline, "the channels of its residuals");
        var width = TextWidth(outline);
        var config = new ControlNetConfig
        {
            InChannels = Size(inputs.Find(GraphNames.Sample), 1) ?? 4,
            CrossAttentionDim = width ?? Size(inputs.Find(GraphNames.Text), 2) ?? new ControlNetConfig().CrossAttentionDim,
            BlockOutChannels = channels,
            LayersPerBlock = layers,
            Lite = inputs.Find(GraphNames.Timestep) is null,
        };
        config = WithSizes(config, outline);
        return width is null ? config with { TransformerLayersPerBlock = new int[channels.Length] } : config;
    }

    /// <summary>The configuration of a text encoder, from its graph.</summary>
    public static ClipTextConfig TextEncoder(GraphOutline outline, bool hasProjection)
    {
        var (inputs, outputs) = (outline.Signature.Inputs, outline.Signature.Outputs);
        var width = Size(outputs.Find(GraphNames.LastHiddenState) ?? outputs[0], 2)
            ?? throw Unknown(outline, "the width of its hidden states");
        var states = outputs.Count(port => port.Name.StartsWith(GraphNames.HiddenStates, StringComparison.Ordinal));
        var vocabulary = outline.Nodes.Where(node => node.Operator == "Gather").Select(node => outline.ShapeOf(node.Input(0)))
            .FirstOrDefault(shape => shape is [_, var columns] && columns == width);
        var family = hasProjection ? ClipTextConfig.ClipBigG
            : width == ClipTextConfig.ClipH.HiddenSize ? ClipTextConfig.ClipH
            : ClipTextConfig.ClipL;
        return family with
        {
            HiddenSize = width,
            NumHiddenLayers = states > 1 ? states - 1 : family.NumHiddenLayers,
            VocabSize = vocabulary is [var rows, _] and [<= int.MaxValue, _] ? (int)rows : family.VocabSize,
            MaxPositionEmbeddings = Size(inputs.Find(GraphNames.Ids), 1) ?? family.MaxPositionEmbeddings,
            ProjectionDim = hasProjection && Size(outputs.Find(GraphNames.PooledText), 1) is { } pooled ? pooled : family.ProjectionDim,
            HasProjection = hasProjection,
        };
    }

    /// <summary>A fixed size of a port; null if it is dynamic, or the port or dimension is not there.</summary>
    public static int? Size(OnnxPort? port, int dimension) =>
        port is not null && dimension < port.Shape.Count && port.Shape[dimension] > 0 ? port.Shape[dimension] : null;

    /// <summary>Fills in what follows from the number of levels, and SDXL's size conditioning.</summary>
    private static T WithSizes<T>(T config, GraphOutline outline)
        where T : EncoderConfig
    {
        const int timeWidth = 256;
        var levels = config.BlockOutChannels.Length;
        var pooled = Size(outline.Signature.Inputs.Find(GraphNames.PooledText), 1);
        var sized = config with
        {
            DownBlockTypes = [.. Enumerable.Repeat("CrossAttnDownBlock2D", levels)],
            TransformerLayersPerBlock = [.. Enumerable.Repeat(1, levels)],
            AttentionHeadDim = [.. Enumerable.Repeat(8, levels)],
            AdditionEmbedType = pooled is null ? null : "text_time",
            AdditionTimeEmbedDim = pooled is null ? null : timeWidth,
            ProjectionClassEmbeddingsInputDim = pooled is { } width ? width + (6 * timeWidth) : null,
        };
        return sized is UNetConfig unet
            ? (T)(EncoderConfig)(unet with { UpBlockTypes = [.. Enumerable.Repeat("CrossAttnUpBlock2D", levels)] })
            : sized;
    }

    /// <summary>
    /// The width of the text embeddings: as declared, or of the weights that they are multiplied by; null if nothing reads them.
    /// </summary>
    private static int? TextWidth(GraphOutline outline)
    {
        if (outline.Signature.Inputs.Find(GraphNames.Text) is not { } text)
            return null;
        HashSet<string> names = [text.Name];
        var reads = false;
        foreach (var node in outline.Nodes.Where(node => node.Inputs.Any(names.Contains)))
        {
            reads = true;
            if (node.Operator is "Cast" or "Identity")
                names.UnionWith(node.Outputs);
            else if (node.Operator is "MatMul" or "Gemm" && outline.ShapeOf(node.Input(1)) is [<= int.MaxValue and var width, _])
                return (int)width;
        }

        return reads ? Size(text, 2) : null;
    }

    /// <summary>The encoder of the family that has a text width.</summary>
    private static (int[] Channels, int Layers)? Family(int textWidth) => textWidth switch
    {
        768 or 1024 => ([320, 640, 1280, 1280], 2),
        2048 => ([320, 640, 1280], 2),
        _ => null,
    };

    private static string External(string graph, string name)
    {
        var parts = name.Split('/', '\\');
        return parts.All(part => part is not (".." or "") && PlainName(part)) && !Path.IsPathRooted(name)
            ? Path.Combine([Path.GetDirectoryName(graph)!, .. parts])
            : throw new ControlNetException($"{graph}: its weights are in {Message.Name(name)}, expected a file in the same folder.");

        static bool PlainName(string part) => part == "." || Weights.PlainFileName.IsPlain(part);
    }

    private static ControlNetException Unknown(GraphOutline outline, string what) => new(
        $"{outline.Source}: has no config.json, and the graph does not tell {what}: expected the config.json of the model that it was "
            + $"exported from beside it. It has {outline.Signature}.");
}
