using System.Text.RegularExpressions;
using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Weights.SingleFiles;

/// <summary>
/// What the UNet of a single file predicts. The weights do not tell; in this order: the option, what the file says about itself, the
/// original configuration (<c>.yaml</c>) beside it, the family's custom.
/// </summary>
internal static partial class CheckpointPrediction
{
    private const int LongestYaml = 1 << 20;

    // The marks of trainers: tensors without meaning but their name.
    private const string VelocityMark = "v_pred", ZeroSnrMark = "ztsnr";

    /// <summary>What the UNet predicts, and whether the last training timestep was pure noise.</summary>
    /// <param name="file">The open file.</param>
    /// <param name="keys">Its parts.</param>
    /// <param name="chosen">The option; null for none.</param>
    /// <param name="inputs">The UNet's input channels: SD2's models for inpainting and depth predict the noise.</param>
    public static (PredictionType Prediction, bool HasZeroSnr) Of(
        TensorFile file, CheckpointKeys keys, PredictionType? chosen, int inputs) =>
        (chosen ?? Stated(file) ?? InYaml(file) ?? Customary(keys, inputs), file.Entries.ContainsKey(ZeroSnrMark));

    private static PredictionType? Stated(TensorFile file)
    {
        if (file.Entries.ContainsKey(VelocityMark))
            return PredictionType.Velocity;

        // The model spec of Stability AI (modelspec.prediction_type, earlier modelspec.predict_key).
        var stated = file.Metadata.GetValueOrDefault("modelspec.prediction_type")
            ?? file.Metadata.GetValueOrDefault("modelspec.predict_key");
        return stated switch
        {
            "v" or "v_prediction" => PredictionType.Velocity,
            "epsilon" or "eps" => PredictionType.Epsilon,
            _ => null,
        };
    }

    private static PredictionType? InYaml(TensorFile file)
    {
        var path = Path.ChangeExtension(file.Path, ".yaml");
        if (!File.Exists(path))
            return null;
        var text = System.Text.Encoding.UTF8.GetString(RegularFile.ReadAll(path, Path.GetFileName(path), LongestYaml, "YAML"));
        return Velocity().IsMatch(text) ? PredictionType.Velocity : PredictionType.Epsilon;
    }

    /// <summary>As in diffusers: a plain SD2 model is taken for 2.1 at 768 pixels, which predicts velocity.</summary>
    private static PredictionType Customary(CheckpointKeys keys, int inputs) =>
        keys.Family == ModelFamily.SD2 && inputs == 4 ? PredictionType.Velocity : PredictionType.Epsilon;

    [GeneratedRegex("""^\s*parameterization:\s*["']?v["']?\s*$""", RegexOptions.Multiline)]
    private static partial Regex Velocity();
}
