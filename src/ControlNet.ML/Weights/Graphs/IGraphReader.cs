using ControlNet.ML.Configuration;

namespace ControlNet.ML.Weights.Graphs;

/// <summary>
/// Reads what ONNX files say about their networks, without loading them. The package with the runtime for graphs implements it, so that
/// this assembly needs no reader for the format.
/// </summary>
internal interface IGraphReader
{
    /// <summary>What a graph is.</summary>
    /// <param name="path">An ONNX file.</param>
    /// <exception cref="ControlNetException">It cannot be read, or is no graph.</exception>
    GraphKind Kind(string path);

    /// <summary>The graph's file and the files that its weights are in.</summary>
    /// <param name="path">An ONNX file.</param>
    /// <returns>Full paths; the weights' files need not exist.</returns>
    /// <exception cref="ControlNetException">It cannot be read, or names files outside its folder.</exception>
    IReadOnlyList<string> Files(string path);

    /// <summary>Inputs and outputs with types and shapes, in one line.</summary>
    string Describe(string path);

    /// <summary>The configuration of a UNet without a <c>config.json</c>, from its graph.</summary>
    UNetConfig UNet(string path);

    /// <summary>The configuration of a text encoder without a <c>config.json</c>, from its graph.</summary>
    /// <param name="path">An ONNX file.</param>
    /// <param name="hasProjection">Whether its pooled output is projected: SDXL's second.</param>
    ClipTextConfig TextEncoder(string path, bool hasProjection);

    /// <summary>The configuration of a control network without a <c>config.json</c>, from its graph.</summary>
    ControlNetConfig Control(string path);

    /// <summary>The channels of the latents, from the graph of the decoder.</summary>
    int LatentChannels(string path);

    /// <summary>The number of control networks that are built into a UNet's graph.</summary>
    int BuiltInControls(string path);

    /// <summary>Whether the encoder of a VAE draws its latents itself, with random numbers of its own.</summary>
    bool DrawsLatents(string path);
}
