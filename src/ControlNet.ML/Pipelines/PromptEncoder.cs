using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Pipelines;

/// <summary>Encodes the prompts of some images, each text once: most images of a batch share a negative prompt.</summary>
/// <param name="model">The model.</param>
internal sealed class PromptEncoder(DiffusionModel model)
{
    private readonly Dictionary<(string Prompt, int? ClipSkip), (TextEmbedding Text, string[] Warnings)> _texts = [];

    /// <summary>Encodes a prompt.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="clipSkip">How many of the text encoder's last layers to leave out, or null.</param>
    /// <param name="warnings">Receives what was cut of it.</param>
    /// <exception cref="ArgumentException">The encoder has fewer layers than are to be left out.</exception>
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

    /// <summary>Encodes a negative prompt. As in diffusers, clip skip does not apply to it, and SDXL models may take zeros for an absent one.</summary>
    /// <param name="prompt">The negative prompt, or null.</param>
    /// <param name="text">The encoded prompt, for its shape.</param>
    /// <param name="warnings">Receives what was cut of it.</param>
    public TextEmbedding Negative(string? prompt, TextEmbedding text, ICollection<string> warnings) =>
        prompt is null && model.Folder.Index is { IsXL: true, ForceZerosForEmptyPrompt: true }
            ? text.Zeros()
            : Encode(prompt ?? "", clipSkip: null, warnings);
}
