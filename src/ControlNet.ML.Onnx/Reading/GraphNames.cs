using System.Globalization;
using System.Text.RegularExpressions;

namespace ControlNet.ML.Onnx;

/// <summary>
/// The names that exporters give to inputs and outputs: optimum's, diffusers' scripts', OnnxStack's, onnx-web's and those of ONNX Runtime's
/// own tools.
/// </summary>
internal static partial class GraphNames
{
    /// <summary>Latents, or the image of an encoder.</summary>
    public const string Sample = "sample";

    /// <summary>The timestep.</summary>
    public const string Timestep = "timestep";

    /// <summary>Text embeddings.</summary>
    public const string Text = "encoder_hidden_states";

    /// <summary>SDXL's pooled text embeddings.</summary>
    public const string PooledText = "text_embeds";

    /// <summary>SDXL's size conditioning.</summary>
    public const string TimeIds = "time_ids";

    /// <summary>The embedding of the guidance scale (LCM).</summary>
    public const string GuidanceCondition = "timestep_cond";

    /// <summary>A control network's condition.</summary>
    public const string Condition = "controlnet_cond";

    /// <summary>A control network's encoded condition.</summary>
    public const string Hint = "controlnet_hint";

    /// <summary>A control network's scale: float64 without a dimension, since exporters trace Python's number.</summary>
    public const string Scale = "conditioning_scale";

    /// <summary>The middle block's residual, as in OnnxStack: output of a control network, input of the UNet that takes it.</summary>
    public const string MiddleResidual = "mid_block_additional_residual";

    /// <summary>The UNet's prediction.</summary>
    public const string Prediction = "out_sample";

    /// <summary>Mean and log-variance of an encoder.</summary>
    public const string LatentParameters = "latent_parameters";

    /// <summary>The pooled output of a text encoder without projection.</summary>
    public const string PooledOutput = "pooler_output";

    /// <summary>The input of a decoder, and the output of an encoder that has drawn it already.</summary>
    public const string Latents = "latent_sample";

    /// <summary>Token ids.</summary>
    public const string Ids = "input_ids";

    /// <summary>The last hidden states of a text encoder.</summary>
    public const string LastHiddenState = "last_hidden_state";

    /// <summary>
    /// The hidden states of a text encoder, followed by their number: of the embeddings, then of each layer, before the final norm.
    /// </summary>
    public const string HiddenStates = "hidden_states.";

    /// <summary>The conditions of built-in control networks, [networks, rows, 3, H, W].</summary>
    public static string[] Conditions => ["controlnet_images", "controlnet_conds"];

    /// <summary>The scales of built-in control networks.</summary>
    public static string[] Scales => ["controlnet_scales", "conditioning_scales"];

    /// <summary>The residual of a skip connection, as in OnnxStack.</summary>
    /// <param name="index">Its index in the encoder's order.</param>
    public static string Residual(int index) => string.Create(CultureInfo.InvariantCulture, $"down_block_{index}_additional_residual");

    /// <summary>An input or output by one of its names; null if there is none.</summary>
    public static OnnxPort? Find(this IEnumerable<OnnxPort> ports, params ReadOnlySpan<string> names)
    {
        foreach (var port in ports)
        {
            if (names.Contains(port.Name))
                return port;
        }

        return null;
    }

    /// <summary>
    /// The inputs or outputs for residuals by their names, in the encoder's order and the middle block's last; null unless there are
    /// numbers from 0 without a gap, and the middle one.
    /// </summary>
    public static IReadOnlyList<OnnxPort>? Residuals(this IReadOnlyList<OnnxPort> ports)
    {
        SortedDictionary<int, OnnxPort> found = [];
        OnnxPort? middle = null;
        foreach (var port in ports)
        {
            if (DownName().Match(port.Name) is { Success: true } match)
                found[int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture)] = port;
            else if (port.Name.StartsWith("mid_block", StringComparison.Ordinal))
                middle = port;
        }

        return middle is not null && found.Count > 0 && found.Keys.SequenceEqual(Enumerable.Range(0, found.Count))
            ? [.. found.Values, middle]
            : null;
    }

    [GeneratedRegex(@"^down_block(?:_additional_residuals?|_res_samples?|s)?[_.]?(\d{1,3})(?:_additional_residual|_res_sample)?$")]
    private static partial Regex DownName();
}
