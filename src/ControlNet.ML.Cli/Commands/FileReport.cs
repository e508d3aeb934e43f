using System.Globalization;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Cli.Commands;

/// <summary>What can be said of any file of weights from its description alone.</summary>
internal static class FileReport
{
    private const int AutoV2Length = 10;

    /// <summary>Shows a file that is neither a base model nor a control network.</summary>
    /// <param name="terminal">Where to write.</param>
    /// <param name="path">The file.</param>
    /// <param name="digest">Its SHA-256, if it is known.</param>
    /// <param name="json">Whether to print JSON.</param>
    public static void Show(Terminal terminal, string path, string? digest, bool json)
    {
        using var file = TensorFile.Open(path);
        var kind = WeightKind.Recognise(file)?.Words ?? "weights of an unknown kind";
        var tensors = file.Entries.Values;
        var (parameters, bytes) = (tensors.Sum(tensor => tensor.Count), tensors.Sum(tensor => tensor.ByteLength));
        string[] types = [.. tensors.Select(tensor => tensor.Type.FormatName()).Distinct().Order(StringComparer.Ordinal)];
        if (json)
        {
            Json.Print(terminal, new
            {
                name = path,
                path = file.Path,
                kind,
                tensors = file.Entries.Count,
                parameters,
                bytes,
                types,
                sha256 = digest,
                auto_v2 = AutoV2(digest),
                metadata = file.Metadata,
            });
            return;
        }

        terminal.Result(string.Create(
            CultureInfo.InvariantCulture, $"{path}: {kind}, {file.Entries.Count:N0} tensors, {parameters:N0} parameters"));
        terminal.Result(string.Create(CultureInfo.InvariantCulture, $"  {bytes / 1e6:N1} MB, {string.Join(" ", types)}"));
        ShowDigest(terminal, digest);
    }

    /// <summary>Shows a digest, if it is known.</summary>
    public static void ShowDigest(Terminal terminal, string? digest)
    {
        if (digest is not null)
            terminal.Result($"  SHA-256       {digest} (AutoV2 {AutoV2(digest)})");
    }

    /// <summary>The short form of a SHA-256 that model sites show.</summary>
    public static string? AutoV2(string? digest) => digest?[..AutoV2Length].ToUpperInvariant();
}
