using System.Globalization;

namespace ControlNet.ML.Onnx;

/// <summary>The names of residuals: outputs of a control network, inputs of the UNet that takes them, as in OnnxStack.</summary>
internal static class ResidualPorts
{
    /// <summary>The middle's.</summary>
    public const string Middle = "mid_block_additional_residual";

    /// <summary>That of a skip tensor.</summary>
    /// <param name="index">The skip tensor's index, in the encoder's order.</param>
    public static string Skip(int index) => string.Create(CultureInfo.InvariantCulture, $"down_block_{index}_additional_residual");

    /// <summary>Names for the dynamic height and width of a residual.</summary>
    public static (string Height, string Width) Sides(int index) => (
        string.Create(CultureInfo.InvariantCulture, $"residual_{index}_height"),
        string.Create(CultureInfo.InvariantCulture, $"residual_{index}_width"));
}
