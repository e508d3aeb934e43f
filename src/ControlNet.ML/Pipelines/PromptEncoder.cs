using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Pipelines;

/// <summary>Encodes the prompts of a batch, each text once: most images of a batch share a negative prompt.</summary>
/// <param name="model">The model.</param>
internal sealed class PromptEncoder(DiffusionModel model)
{
    private readonly Dictionary<(string Prompt, int? ClipSkip), (TextEmbedding Text, string[] Warnings)> _texts = [];

    /// <summary>Encodes a prompt.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="clipSkip">Clip skip: the number of the text encoder's last layers to skip, or null.</param>
    /// <param name="warnings">Receives a warning about text that was cut.</param>
    /// <exception cref="ArgumentException">Clip skip exceeds the encoder's layers.</exception>
    public TextEmbedding Encode(string prompt, int? clipSkip, ICollection<string> warnings)
    {
        if (!_texts.TryGetValue((prompt, clipSkip), out var known))
        {
            List<string> own = [];
            var text = model.EncodeText(prompt, clipSkip, own);
            _texts.Add((prompt, clipSkip), known = (text, [.. own]));
        }

        foreach (var warning in known.Warnings)
            warnings.Add(warning);
        return known.Text;
    }

    /// <summary>
    /// Encodes a negative prompt. As in diffusers, clip skip does not apply to it, and SDXL models may take zeros for an absent one.
    /// </summary>
    /// <param name="prompt">The negative prompt, or null.</param>
    /// <param name="text">The encoded prompt, for its shape.</param>
    /// <param name="warnings">Receives a warning about text that was cut.</param>
    public TextEmbedding Negative(string? prompt, TextEmbedding text, ICollection<string> warnings) =>
        prompt is null && model.Folder.Index is { IsXL: true, ForceZerosForEmptyPrompt: true }
            ? text.Zeros()
            : Encode(prompt ?? "", clipSkip: null, warnings);
}
