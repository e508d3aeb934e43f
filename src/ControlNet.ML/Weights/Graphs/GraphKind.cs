namespace ControlNet.ML.Weights.Graphs;

/// <summary>What an ONNX graph is, which its inputs and outputs tell.</summary>
internal enum GraphKind
{
    /// <summary>None of the others.</summary>
    Other,

    /// <summary>A UNet without inputs for residuals.</summary>
    UNet,

    /// <summary>A UNet that takes the residuals of control networks.</summary>
    ControlledUNet,

    /// <summary>A UNet and its control networks in one graph.</summary>
    MergedUNet,

    /// <summary>A control network: residuals of latents and a condition, or of its hint.</summary>
    ControlNetwork,

    /// <summary>The condition encoder of a control network.</summary>
    ConditionEncoder,

    /// <summary>A text encoder.</summary>
    TextEncoder,

    /// <summary>The encoder of an autoencoder.</summary>
    ImageEncoder,

    /// <summary>The decoder of an autoencoder.</summary>
    ImageDecoder,
}

/// <summary>Words for messages.</summary>
internal static class GraphKinds
{
    /// <summary>The kind with its article, <c>a text encoder</c>.</summary>
    public static string InWords(this GraphKind kind) => kind switch
    {
        GraphKind.UNet => "a UNet",
        GraphKind.ControlledUNet => "a UNet that takes residuals",
        GraphKind.MergedUNet => "a UNet with built-in control networks",
        GraphKind.ControlNetwork => "a control network",
        GraphKind.ConditionEncoder => "a condition encoder",
        GraphKind.TextEncoder => "a text encoder",
        GraphKind.ImageEncoder => "the encoder of a VAE",
        GraphKind.ImageDecoder => "the decoder of a VAE",
        _ => "a graph of another kind",
    };
}
