using ControlNet.ML.Adapters;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Pipelines;
using ControlNet.ML.Text;

namespace ControlNet.ML;

/// <content>Prompts.</content>
public sealed partial class DiffusionModel
{
    /// <summary>Encodes a prompt.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="clipSkip">Clip skip: the number of last layers to skip, or null.</param>
    /// <param name="warnings">Receives a warning that quotes what was cut, if anything was.</param>
    /// <param name="syntax">What brackets in the prompt mean.</param>
    /// <param name="longPrompts">What becomes of a prompt that is longer than the text encoder takes.</param>
    /// <param name="loras">LoRAs of the text encoder; null for none.</param>
    /// <returns>
    /// The text encoder's hidden states, [1, tokens, width], as many times the encoder's tokens as there are windows; for SDXL also the
    /// pooled text of the first window.
    /// </returns>
    /// <exception cref="InvalidOperationException">The model was loaded without its text encoder.</exception>
    /// <exception cref="ArgumentException">An option is undefined, or clip skip exceeds the encoder's layers.</exception>
    /// <exception cref="ControlNetException">
    /// There is no such LoRA, the prompt has over 100 windows, its weights cancel out or are too large, the result is not finite, or there
    /// is not enough memory.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    public TextEmbedding EncodeText(
        string prompt,
        int? clipSkip = null,
        ICollection<string>? warnings = null,
        PromptSyntax syntax = PromptSyntax.Plain,
        LongPrompts longPrompts = LongPrompts.Windows,
        IReadOnlyList<LoraWeight>? loras = null) =>
        EncodeWith(prompt, clipSkip, warnings, new PromptReading(syntax, longPrompts), Loras.Resolve(loras ?? []));

    /// <summary>Encodes a prompt.</summary>
    internal TextEmbedding EncodeWith(
        string prompt, int? clipSkip, ICollection<string>? warnings, PromptReading reading, IReadOnlyList<WeightedLora> loras)
    {
        // The textual inversions are those whose vectors the text encoders have.
        using var use = Enter();
        var windows = CutPrompt(prompt, reading, warnings);
        Backend.SetLoras(ModelParts.TextEncoder, loras);
        var text = PromptStates.Encode(Backend, windows, Folder.TextEncoder.HiddenSize, clipSkip);
        NotFiniteException.Check(text.Hidden, "The encoded prompt");
        return text;
    }

    /// <summary>A prompt's windows for each text encoder, as many for each.</summary>
    /// <exception cref="InvalidOperationException">The model was loaded without its text encoder.</exception>
    /// <exception cref="ArgumentException">An option is undefined.</exception>
    /// <exception cref="ControlNetException">There are too many windows.</exception>
    internal IReadOnlyList<PromptWindow>[] CutPrompt(string prompt, PromptReading reading, ICollection<string>? warnings = null)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        var embeddings = _embeddings;
        if (embeddings.Tokenizers.Length == 0)
            throw new InvalidOperationException(
                $"{Name} was loaded without its text encoder ({nameof(LoadOptions)}.{nameof(LoadOptions.Parts)}).");
        return reading.Validate() is { } problem
            ? throw new ArgumentException(problem)
            : reading.Cut(embeddings.Tokenizers, embeddings.Convert(prompt), warnings);
    }
}
