using ControlNet.ML.Weights;

namespace ControlNet.ML.Adapters;

/// <summary>
/// A textual inversion (Gal et al., An Image is Worth One Word, 2022): vectors that a prompt names by a new token, in place of rows of
/// the text encoders' embedding tables.
/// </summary>
public sealed class TextualInversion
{
    /// <summary>What it is called in messages.</summary>
    internal const string What = "textual inversion";

    private const string FirstTower = "clip_l", SecondTower = "clip_g", Parameters = "emb_params", OldParameters = "string_to_param.";

    private TextualInversion(string token, string path, string sha256, IReadOnlyList<TensorData> vectors) =>
        (Token, Path, Sha256, Vectors) = (token, path, sha256, vectors);

    /// <summary>The token that a prompt names it by; it stands for all of its vectors.</summary>
    public string Token { get; }

    /// <summary>The full path of its file.</summary>
    public string Path { get; }

    /// <summary>What it was loaded by: a path, or an id of the hub.</summary>
    internal string Source { get; private init; } = "";

    /// <summary>The SHA-256 of its file, in hexadecimal.</summary>
    public string Sha256 { get; }

    /// <summary>For each text encoder its vectors, [n, width].</summary>
    public IReadOnlyList<TensorData> Vectors { get; }

    /// <summary>The tokens of the single vectors: <c>NAME</c>, <c>NAME_1</c> … <c>NAME_(n-1)</c>.</summary>
    public IReadOnlyList<string> Tokens => [Token, .. Enumerable.Range(1, Vectors[0].Shape[0] - 1).Select(i => $"{Token}_{i}")];

    /// <summary>Reads a file completely and closes it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="token">The token; null for the one in the file, or the file's name without extension if it has none.</param>
    /// <param name="widths">The widths of the model's text encoders.</param>
    /// <param name="most">The maximum number of vectors: as many as a prompt has tokens.</param>
    /// <param name="source">What names the file: a path, or an id of the hub; null for the path.</param>
    /// <exception cref="ControlNetException">It is no textual inversion, or one for another model.</exception>
    internal static TextualInversion Read(string path, string? token, IReadOnlyList<int> widths, int most, string? source = null)
    {
        using var file = TensorFile.Open(path);
        var (keys, name) = Find(file);
        if (keys.Length != widths.Count)
            throw new ControlNetException(
                $"{path}: has vectors for {keys.Length} text encoder{(keys.Length == 1 ? "" : "s")}, the model has {widths.Count}: "
                    + "is this a textual inversion for another family of models?");
        var vectors = keys.Select((key, i) => VectorsOf(file, key, widths[i], most)).ToArray();
        if (vectors.Select(tower => tower.Shape[0]).Distinct().Count() > 1)
            throw new ControlNetException(
                $"{path}: has {vectors[0].Shape[0]} vectors for one text encoder and {vectors[1].Shape[0]} for the other, "
                    + "expected as many.");
        token ??= string.IsNullOrEmpty(name) ? System.IO.Path.GetFileNameWithoutExtension(path) : name;
        return new TextualInversion(token, file.Path, WeightReference.Digest(file.Path), vectors) { Source = source ?? path };
    }

    /// <summary>The tensors of the towers, and the token in the file.</summary>
    private static (string[] Keys, string? Name) Find(TensorFile file)
    {
        var names = file.Entries.Keys.ToList();
        if (names.Contains(FirstTower) && names.Contains(SecondTower) && names.Count == 2)
            return ([FirstTower, SecondTower], null);
        if (names.Where(name => name.StartsWith(OldParameters, StringComparison.Ordinal)).ToArray() is [var old])
            return ([old], file.Metadata.GetValueOrDefault("name"));
        if (names is [Parameters])
            return ([Parameters], null);

        // diffusers': the token is the key.
        if (names is [var only] && file.Entries[only].Shape.Length is 1 or 2)
            return ([only], only);
        throw new ControlNetException(
            $"{file.Name}: {(WeightKind.Recognise(file) is { } kind ? $"is {kind.Words}" : $"has {names.Count:N0} tensors")}, expected a "
                + $"textual inversion: the vectors of one token, '{Parameters}', '{OldParameters}*', or "
                + $"'{FirstTower}' and '{SecondTower}'.");
    }

    private static TensorData VectorsOf(TensorFile file, string key, int width, int most)
    {
        var entry = file.Entries[key];
        var rows = entry.Shape is [_, _] ? entry.Shape[0] : 1;
        if (!entry.Type.IsFloatingPoint() || entry.Shape.Length is not (1 or 2) || entry.Shape[^1] != width || rows < 1 || rows > most)
            throw new ControlNetException(
                $"{file.Name}: {Message.Name(key)} is {entry.Type.FormatName()} {Message.Shape(entry.Shape)}, expected 1 to {most} vectors "
                    + $"of {width} numbers: is this a textual inversion for another family of models?");
        var data = TensorData.Zeros((int)rows, width);
        file.CopyTo(key, data.Values);
        return data.Values.All(float.IsFinite)
            ? data
            : throw new ControlNetException($"{file.Name}: {Message.Name(key)} has values that are not finite, expected finite numbers.");
    }
}
