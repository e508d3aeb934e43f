using ControlNet.ML.Adapters;
using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Pipelines;

/// <summary>Encodes the prompts of a batch, each text once: most images of a batch share a negative prompt.</summary>
/// <param name="model">The model.</param>
internal sealed class PromptEncoder(DiffusionModel model)
{
    private readonly Dictionary<(string, int?, PromptReading, string Loras), (TextEmbedding Text, string[] Warnings)> _texts = [];

    /// <summary>Encodes a prompt.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="clipSkip">Clip skip: the number of the text encoder's last layers to skip, or null.</param>
    /// <param name="reading">How the prompt is read.</param>
    /// <param name="warnings">Receives a warning about text that was cut.</param>
    /// <param name="loras">The LoRAs of the text encoder.</param>
    /// <exception cref="ArgumentException">Clip skip exceeds the encoder's layers.</exception>
    /// <exception cref="ControlNetException">The prompt has too many windows, or the result is not finite.</exception>
    public TextEmbedding Encode(
        string prompt, int? clipSkip, PromptReading reading, ICollection<string> warnings, IReadOnlyList<WeightedLora> loras)
    {
        var key = (prompt, clipSkip, reading, LoraLibrary.KeyOf(loras));
        if (!_texts.TryGetValue(key, out var known))
        {
            List<string> own = [];
            var text = model.EncodeWith(prompt, clipSkip, own, reading, loras);
            _texts.Add(key, known = (text, [.. own]));
        }

        foreach (var warning in known.Warnings)
            warnings.Add(warning);
        return known.Text;
    }

    /// <summary>
    /// Encodes a prompt and a negative prompt to as many windows. As in diffusers, clip skip does not apply to the negative prompt, and
    /// SDXL models may take zeros for an absent one.
    /// </summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="negative">The negative prompt, or null.</param>
    /// <param name="clipSkip">Clip skip: the number of the text encoder's last layers to skip, or null.</param>
    /// <param name="reading">How the prompts are read.</param>
    /// <param name="warnings">Receives warnings about text that was cut.</param>
    /// <param name="loras">The LoRAs of the text encoder.</param>
    /// <exception cref="ArgumentException">Clip skip exceeds the encoder's layers.</exception>
    /// <exception cref="ControlNetException">A prompt has too many windows, or a result is not finite.</exception>
    public (TextEmbedding Text, TextEmbedding Negative) EncodeBoth(
        string prompt,
        string? negative,
        int? clipSkip,
        PromptReading reading,
        ICollection<string> warnings,
        IReadOnlyList<WeightedLora> loras)
    {
        var text = Encode(prompt, clipSkip, reading, warnings, loras);
        if (negative is null && model.Folder.Index is { IsXL: true, ForceZerosForEmptyPrompt: true })
            return (text, text.Zeros());
        var other = Encode(negative ?? "", clipSkip: null, reading, warnings, loras);
        var tokens = Math.Max(text.Tokens, other.Tokens);
        return (Pad(text, clipSkip), Pad(other, skip: null));

        TextEmbedding Pad(TextEmbedding encoded, int? skip) =>
            PromptStates.Pad(encoded, tokens, () => Encode("", skip, reading, warnings, loras));
    }
}
