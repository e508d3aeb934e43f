using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Internal;

/// <summary>
/// Recognises, by its first bytes, a file of an unexpected kind: the usual results of a failed download, and other formats of models.
/// <c>Weights/WeightKind</c> recognises the contents of safetensors files.
/// </summary>
internal static class ForeignFile
{
    /// <summary>The number of bytes from which a file is recognised.</summary>
    public const int StartLength = 64;

    /// <summary>What the file is and what to do about it, as a predicate; null if it is not recognised.</summary>
    /// <param name="start">The first bytes of the file, <see cref="StartLength"/> if it has so many.</param>
    public static string? Recognise(ReadOnlySpan<byte> start)
    {
        if (start.StartsWith("version https://git-lfs"u8))
            return "is a Git LFS pointer, not the file itself: fetch the file with 'git lfs pull', or download it again";
        if (start.TrimStart(" \t\r\n\uFEFF"u8).StartsWith((byte)'<'))
            return "is a web page (HTML), not the file itself: download it again (from the hub, with 'resolve' in place of 'blob' in the "
                + "address)";
        return IsPickle(start) ? $"is {(start[0] == 'P' ? "a zip archive" : "a Python pickle")}, as torch.save writes" : Format(start);
    }

    /// <summary>The same for a file that should be safetensors, where no text is expected.</summary>
    /// <param name="start">The first bytes of the file.</param>
    public static string? RecogniseWeights(ReadOnlySpan<byte> start) =>
        IsImage(start) || IsGraph(start) ? $"{Format(start)}; expected a file of weights" : Recognise(start) ?? Text(start);

    /// <summary>The same for a file that should be an ONNX graph.</summary>
    /// <param name="start">The first bytes of the file.</param>
    public static string? RecogniseGraph(ReadOnlySpan<byte> start) =>
        Recognise(start) is { } kind ? $"{kind}; expected an ONNX file"
        : IsSafetensors(start) ? "is a safetensors file; expected an ONNX file"
        : Text(start);

    /// <summary>The same for a file that should be an image.</summary>
    /// <param name="start">The first bytes of the file.</param>
    public static string? RecogniseForImage(ReadOnlySpan<byte> start) => IsImage(start) ? null : Recognise(start);

    /// <summary>Whether a file begins as those of <c>torch.save</c> do: a zip archive, or a pickle of a binary protocol.</summary>
    /// <param name="start">The first bytes of the file.</param>
    public static bool IsPickle(ReadOnlySpan<byte> start) =>
        start.StartsWith("PK\u0003\u0004"u8) || (start.Length > 1 && start[0] == 0x80 && start[1] is >= 1 and <= 5);

    /// <summary>PNG or JPEG.</summary>
    private static bool IsImage(ReadOnlySpan<byte> start) =>
        start.StartsWith(PngChunks.Signature[..4]) || start.StartsWith((ReadOnlySpan<byte>)[0xff, 0xd8, 0xff]);

    /// <summary>The length of a header of at most 100 MB, then its JSON.</summary>
    public static bool IsSafetensors(ReadOnlySpan<byte> start) =>
        start.Length > 8 && start[8] == '{' && BinaryPrimitives.ReadUInt64LittleEndian(start) <= 100_000_000;

    /// <summary>onnx.proto: the first field of a model is its version, usually followed by the producer's name.</summary>
    private static bool IsGraph(ReadOnlySpan<byte> start) =>
        start.Length > 2 && start[0] == 0x08 && start[1] is >= 1 and <= 20 && (start[2] is 0x12 or 0x3a);

    private static string? Format(ReadOnlySpan<byte> start) =>
        start.StartsWith("GGUF"u8) ? "is GGUF, a format of quantised models, which is not supported"
        : start.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'H', (byte)'D', (byte)'F'])
            ? "is HDF5, as Keras writes, which is not supported"
        : IsImage(start) ? "is an image"
        : start.StartsWith((ReadOnlySpan<byte>)[0x1f, 0x8b]) ? "is compressed by gzip: unpack it first"
        : IsGraph(start) ? "is an ONNX graph"
        : null;

    /// <summary>Text, such as a hub's answer in place of a file: "Entry not found".</summary>
    private static string? Text(ReadOnlySpan<byte> start)
    {
        // The cut at the end may be in the middle of a character.
        var whole = start;
        for (var cut = 0; cut < 3 && !Utf8.IsValid(whole) && whole.Length > 0; cut++)
            whole = whole[..^1];
        if (whole.Length < 8 || !Utf8.IsValid(whole))
            return null;
        var text = Encoding.UTF8.GetString(whole);
        return text.Any(letter => char.IsControl(letter) && !char.IsWhiteSpace(letter))
            ? null
            : $"is text that begins with {Message.Name(text.Trim().Split('\n')[0].TrimEnd())}, not the file itself (a failed download?)";
    }
}
