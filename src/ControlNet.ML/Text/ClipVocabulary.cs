using System.Reflection;

namespace ControlNet.ML.Text;

/// <summary>
/// CLIP's vocabulary, which all of Stable Diffusion's text encoders share and single files do not contain. Its 49,408 tokens follow from
/// the 48,894 merges: the bytes, the bytes at the end of a word, the merges, start and end.
/// </summary>
/// <remarks>Source: openai/CLIP, <c>simple_tokenizer.py</c>.</remarks>
internal static class ClipVocabulary
{
    private const string Resource = "clip-merges.txt";

    private static readonly Lazy<(Dictionary<string, int> Vocabulary, List<(string Left, string Right)> Merges)> Contents = new(Read);

    /// <summary>The vocabulary and merges, read once; the caller must not change them.</summary>
    public static (Dictionary<string, int> Vocabulary, List<(string Left, string Right)> Merges) Shared => Contents.Value;

    /// <summary>The text of merges.txt.</summary>
    public static string MergesText
    {
        get
        {
            using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(Resource)!;
            return TokenizerFile.ReadText(stream, Resource);
        }
    }

    private static (Dictionary<string, int> Vocabulary, List<(string Left, string Right)> Merges) Read()
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(Resource)!;
        var merges = MergesReader.Read(stream, Resource);
        var bytes = ByteAlphabet.InOrder();
        var vocabulary = new Dictionary<string, int>();
        foreach (var token in bytes.Concat(bytes.Select(letter => letter + "</w>")).Concat(merges.Select(pair => pair.Left + pair.Right)))
            vocabulary.Add(token, vocabulary.Count);
        vocabulary.Add(ClipWords.Start, vocabulary.Count);
        vocabulary.Add(ClipWords.End, vocabulary.Count);
        return (vocabulary, merges);
    }
}
