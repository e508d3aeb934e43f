namespace ControlNet.ML.Weights;

/// <summary>The kinds of network whose weights are supported.</summary>
public enum NetworkKind
{
    /// <summary>diffusers' <c>UNet2DConditionModel</c>.</summary>
    UNet,

    /// <summary>diffusers' <c>ControlNetModel</c>.</summary>
    ControlNetwork,

    /// <summary>diffusers' <c>AutoencoderKL</c>.</summary>
    Autoencoder,

    /// <summary>transformers' <c>CLIPTextModel</c> and <c>CLIPTextModelWithProjection</c>.</summary>
    TextEncoder,
}

/// <summary>The names of the kinds, in files and in messages.</summary>
internal static class NetworkKinds
{
    /// <summary>The weight file's name without extensions, which differs between diffusers and transformers.</summary>
    public static string FileName(this NetworkKind kind) => kind == NetworkKind.TextEncoder ? "model" : "diffusion_pytorch_model";

    /// <summary>The same in torch's format.</summary>
    public static string PickleName(this NetworkKind kind) =>
        kind == NetworkKind.TextEncoder ? "pytorch_model" : "diffusion_pytorch_model";

    /// <summary>The kind with its article.</summary>
    public static string InWords(this NetworkKind kind) => kind switch
    {
        NetworkKind.UNet => "a UNet",
        NetworkKind.ControlNetwork => "a control network",
        NetworkKind.Autoencoder => "an autoencoder",
        _ => "a text encoder",
    };
}
