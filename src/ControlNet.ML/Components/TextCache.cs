using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Components;

/// <summary>The encoded prompts of a batch, each encoded once: many rows have the same negative prompt, or none.</summary>
internal sealed class TextCache(DiffusionModel model)
{
    private readonly Dictionary<(string Prompt, int? ClipSkip), (TextEmbedding Text, string[] Warnings)> _texts = [];

    /// <summary>A row's prompt; what was cut of it is a warning about the row.</summary>
    /// <exception cref="ControlNetException">The encoder has fewer layers than are to be left out.</exception>
    public TextEmbedding Encode(RowBatch batch, int row, string prompt, int? clipSkip)
    {
        if (!_texts.TryGetValue((prompt, clipSkip), out var known))
        {
            List<string> warnings = [];
            TextEmbedding? text = null;
            Wishes.Check(() => text = model.EncodeText(prompt, clipSkip, warnings));
            _texts.Add((prompt, clipSkip), known = (text!, [.. warnings]));
        }

        foreach (var warning in known.Warnings)
            batch.Warn(row, warning);
        return known.Text;
    }

    /// <summary>A row's negative prompt, null for no wish.</summary>
    public TextEmbedding Negative(RowBatch batch, int row, string? prompt, TextEmbedding text) =>
        GenerationParts.NegativeIsZero(model, prompt) ? text.Zeros() : Encode(batch, row, prompt ?? "", clipSkip: null);
}
