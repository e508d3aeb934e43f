using System.Globalization;

namespace ControlNet.ML.Onnx;

/// <summary>Names for the dynamic height and width of residuals, the same in control networks and UNets.</summary>
internal static class ResidualSides
{
    /// <summary>The names.</summary>
    /// <param name="index">The residual's index in the encoder's order; the middle block's is the last.</param>
    public static (string Height, string Width) Of(int index) => (
        string.Create(CultureInfo.InvariantCulture, $"residual_{index}_height"),
        string.Create(CultureInfo.InvariantCulture, $"residual_{index}_width"));
}
