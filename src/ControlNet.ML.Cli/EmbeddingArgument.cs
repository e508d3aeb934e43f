using ControlNet.ML.Hub;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Cli;

/// <summary>A value of --embedding: FILE[:TOKEN].</summary>
/// <param name="File">The file of the textual inversion, or its id on the hub.</param>
/// <param name="Token">The token; null for the file's own.</param>
internal sealed record EmbeddingArgument(string File, string? Token)
{
    /// <summary>
    /// Parses the text. A colon that belongs to an existing file's name (a Windows path), or is before a file of the hub, stays in it.
    /// </summary>
    /// <exception cref="UsageException">The file or the token is empty.</exception>
    public static EmbeddingArgument Parse(string text)
    {
        var colon = text.LastIndexOf(':');
        if (colon < 0 || System.IO.File.Exists(text) || (HubId.TryParse(text, out var id) && WeightEndings.AreOf(id.Path)))
            return new EmbeddingArgument(Required(text, text), null);
        return new EmbeddingArgument(Required(text, text[..colon]), Required(text, text[(colon + 1)..]));
    }

    /// <summary>Loads textual inversions into a model.</summary>
    public static void Load(DiffusionModel model, IEnumerable<EmbeddingArgument> embeddings)
    {
        foreach (var embedding in embeddings)
            model.LoadEmbedding(embedding.File, embedding.Token);
    }

    private static string Required(string text, string part) =>
        part.Length > 0 ? part : throw new UsageException($"--embedding is {Message.Name(text)}, expected FILE or FILE:TOKEN.");
}
