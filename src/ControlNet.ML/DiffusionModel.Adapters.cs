using ControlNet.ML.Adapters;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Weights;

namespace ControlNet.ML;

/// <content>LoRAs and textual inversions: what a model can be given without loading it again.</content>
public sealed partial class DiffusionModel
{
    /// <summary>Loads a LoRA, for requests to name in <see cref="GenerateOptions.Loras"/>; by itself it changes no image.</summary>
    /// <param name="path">
    /// The file: in peft's, diffusers' or kohya's naming, with layers of the UNet, the text encoders, or both. Or an id of the hub,
    /// <c>owner/name</c> or <c>owner/name:file.safetensors</c>, which is fetched into the cache unless it is there.
    /// </param>
    /// <param name="name">
    /// Its name in requests, in place of a LoRA of that name; null for the file's name without extension, or the id.
    /// </param>
    /// <returns>The LoRA.</returns>
    /// <exception cref="ControlNetException">
    /// The file is no LoRA, of a kind that is not supported, or for another family of models; the message says why.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    public Lora LoadLora(string path, string? name = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        return Loras.Load(path, name);
    }

    /// <summary>Forgets a LoRA. Images that are being generated keep it; the next image without it has the model's own weights.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>Whether there was one of this name.</returns>
    public bool UnloadLora(string name) => Loras.Unload(name);

    /// <summary>What has been done to the networks' weights since they were loaded: exchanging a LoRA reads none of them again.</summary>
    public WeightCounters WeightCounters => Backend.Counters;

    /// <summary>The textual inversions that prompts can name.</summary>
    public IReadOnlyList<TextualInversion> Embeddings => _embeddings.All;

    /// <summary>
    /// Loads a textual inversion: prompts can then name its token, of one or more vectors. Reads diffusers' files, the web UIs'
    /// (<c>emb_params</c>, <c>string_to_param</c>), and those of SDXL with vectors for both text encoders.
    /// </summary>
    /// <param name="path">The file: safetensors, or what <c>torch.save</c> wrote. Or an id of the hub, as for a LoRA.</param>
    /// <param name="token">
    /// The token, matched case-sensitively anywhere in a prompt; null for the one in the file, or the file's name without extension.
    /// </param>
    /// <returns>The textual inversion.</returns>
    /// <exception cref="ControlNetException">
    /// The file is no textual inversion or one for another family of models, or the token exists already.
    /// </exception>
    /// <exception cref="InvalidOperationException">The model was loaded without its text encoder.</exception>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    public TextualInversion LoadEmbedding(string path, string? token = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (_embeddings.Tokenizers.Length == 0)
            throw new InvalidOperationException(
                $"{Name} was loaded without its text encoder ({nameof(LoadOptions)}.{nameof(LoadOptions.Parts)}).");
        int[] widths = Folder.TextEncoder2 is { } second
            ? [Folder.TextEncoder.HiddenSize, second.HiddenSize]
            : [Folder.TextEncoder.HiddenSize];
        var file = ModelNames.FindAdapter(TextualInversion.What, path, Options with { Progress = null });
        var embedding = TextualInversion.Read(file, token, widths, TextTokens - 2, path);
        using var use = Enter();
        SetEmbeddings(_embeddings.With(embedding));
        return embedding;
    }

    /// <summary>Removes a textual inversion: its token is ordinary text again.</summary>
    /// <param name="token">Its token.</param>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="ObjectDisposedException">The model is disposed.</exception>
    public bool UnloadEmbedding(string token)
    {
        using var use = Enter();
        if (_embeddings.Without(token) is not { } rest)
            return false;
        SetEmbeddings(rest);
        return true;
    }

    /// <summary>The textual inversions that a prompt names.</summary>
    internal IEnumerable<TextualInversion> EmbeddingsIn(string prompt) => _embeddings.In(prompt);

    private void SetEmbeddings(EmbeddingSet embeddings)
    {
        for (var encoder = 0; encoder < embeddings.Tokenizers.Length; encoder++)
            Backend.SetTokenVectors(encoder, embeddings.First(encoder), embeddings.Vectors(encoder));
        _embeddings = embeddings;
    }
}
