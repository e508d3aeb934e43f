using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ControlNet.ML.Torch.Models;

/// <summary>
/// A network that conditions the UNet: <see cref="ControlNetModel"/>, the paper's design, or <see cref="ControlNetLiteModel"/>, with which
/// the paper compares it. Both read a condition with a <see cref="ConditionEncoder"/> and end in zero convolutions.
/// </summary>
internal interface IControlModel : IDisposable
{
    /// <summary>The condition encoder.</summary>
    ConditionEncoder Hint { get; }

    /// <summary>The paper's zero convolutions: the condition encoder's last one, each residual's, the middle's.</summary>
    IEnumerable<Convolution> ZeroConvolutions { get; }

    /// <summary>Number of residuals, with the middle one: 13 for SD1 and SD2, 10 for SDXL.</summary>
    int ResidualCount { get; }

    /// <summary>Encodes a condition. This does not depend on time or text, so once per image is enough.</summary>
    /// <param name="condition">[N, 3, H, W], R, G, B from 0 to 1.</param>
    /// <returns>The hint, [N, first level's channels, H/8, W/8].</returns>
    Tensor EncodeCondition(Tensor condition);

    /// <param name="sample">[N, in_channels, H, W].</param>
    /// <param name="inputs">Time, text and so on, N rows each.</param>
    /// <param name="hint">From <see cref="EncodeCondition"/>, [N, C, H, W].</param>
    /// <returns>The residuals, not yet scaled; pooled over space if the network was trained that way (global_pool_conditions).</returns>
    ControlResiduals Forward(Tensor sample, UNetInputs inputs, Tensor hint);

    /// <summary>The weights by name, as torch modules list them.</summary>
    IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true);

    /// <summary>Sets training or evaluation mode, as of torch modules.</summary>
    void train(bool on = true);
}
