using System.Security.Cryptography;
using System.Text.Json;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Components;

/// <summary>
/// Weight files in a saved model, split into pieces so that neither saving nor loading holds more than one piece in memory. Loading puts
/// them into the user's cache, in a folder named after their contents, and checks them there each time.
/// </summary>
internal static class InsideWeights
{
    private const int PieceLength = 32 << 20;
    private const long LongestFile = 1L << 40;

    /// <summary>Writes files.</summary>
    /// <param name="writer">The component's entries.</param>
    /// <param name="prefix">The prefix of the entries' names, unique for each model and network of a component.</param>
    /// <param name="files">Names and checksums.</param>
    /// <param name="open">Opens a file, by its index, at its start.</param>
    /// <returns>What is needed to restore them.</returns>
    /// <exception cref="ControlNetException">A file has changed since it was loaded.</exception>
    public static InsideFile[] Write(ModelWriter writer, string prefix, IReadOnlyList<WeightFile> files, Func<int, FileStream> open)
    {
        var lengths = new long[files.Count];
        for (var i = 0; i < files.Count; i++)
        {
            using var stream = open(i);
            lengths[i] = stream.Length;
        }

        var piece = new byte[(int)Math.Min(PieceLength, lengths.Max())];
        return [.. files.Select((file, i) => Write(writer, $"{prefix}{i}", file, piece, open(i)))];
    }

    /// <summary>Makes the files of a saved model available.</summary>
    /// <param name="reader">The component's entries.</param>
    /// <param name="reference">The checked reference that the model was saved with.</param>
    /// <returns>The files, held open.</returns>
    /// <exception cref="ControlNetException">They are damaged, or no folder can hold them.</exception>
    public static PlacedWeights Place(ModelReader reader, WeightReference reference)
    {
        var files = reference.Inside!;
        foreach (var file in files)
            Check(file);
        var key = Convert.ToHexStringLower(
            SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(files.Select(file => new { file.Name, file.Sha256 }))))[..32];
        List<string> failures = [];
        return UserCache.Use(UserCache.Folders("models"), root => Place(reader, reference, root, Path.Combine(root, key)), failures)
            ?? throw new ControlNetException(
            $"No folder can hold the weights in the model: tried {string.Join("; ", failures)}. "
                + $"Set {UserCache.Variable} to a folder of your own with enough free space.");
    }

    private static InsideFile Write(ModelWriter writer, string entry, WeightFile file, byte[] piece, FileStream stream)
    {
        using var _ = stream;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var (pieces, length, read) = (0, 0L, 0);
        while ((read = stream.ReadAtLeast(piece, piece.Length, throwOnEndOfStream: false)) > 0)
        {
            hash.AppendData(piece, 0, read);
            length += read;
            writer.Bytes($"{entry}.{pieces++}", piece.AsMemory(0, read));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset()) == file.Sha256
            ? new InsideFile(file.Name, length, file.Sha256, entry, pieces)
            : throw new ControlNetException(
                $"{stream.Name}: has changed since it was loaded, expected a file with SHA-256 {file.Sha256[..16]}….");
    }

    private static void Check(InsideFile file)
    {
        var isEntry = file.Entry.Length is > 0 and < 64 && !file.Entry.Contains("..", StringComparison.Ordinal)
            && file.Entry.All(c => char.IsAsciiLetterOrDigit(c) || c == '.');
        if (!isEntry)
            throw new ControlNetException(
                $"The file {Message.Name(file.Name)} is in the entries {Message.Name(file.Entry)}, expected letters, digits and dots.");
        if (file.Length is < 0 or > LongestFile || file.Pieces < 0 || file.Pieces > file.Length)
            throw new ControlNetException(
                $"The file {Message.Name(file.Name)} has {file.Length:N0} bytes in {file.Pieces:N0} entries, "
                    + $"expected at most {LongestFile:N0} bytes, and at least one in each entry.");
    }

    private static PlacedWeights Place(ModelReader reader, WeightReference reference, string root, string folder)
    {
        if (PlacedWeights.Open(folder, reference, isChecked: false) is { } intact)
            return intact;
        using var part = ScratchFolder.Create(root);
        Extract(reader, reference.Inside!, part.Path);

        try
        {
            Directory.Move(part.Path, folder);
        }
        catch (IOException) when (Directory.Exists(folder))
        {
            // Another process may have placed the files in the meantime; a damaged folder is replaced.
            if (PlacedWeights.Open(folder, reference, isChecked: false) is { } other)
                return other;
            Directory.Delete(folder, recursive: true);
            Directory.Move(part.Path, folder);
        }

        return PlacedWeights.Open(folder, reference, isChecked: true) ?? throw new IOException($"{folder} changed while it was in use");
    }

    private static void Extract(ModelReader reader, InsideFile[] files, string folder)
    {
        var (free, needed) = (new DriveInfo(folder).AvailableFreeSpace, files.Sum(file => file.Length));
        if (free < needed)
            throw new IOException($"{free:N0} bytes are free, and the weights need {needed:N0}");
        foreach (var file in files)
        {
            var path = Path.Combine(folder, file.Name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            using var stream = new FileStream(path, PlacedWeights.NewFile);
            Extract(reader, file, stream);
        }
    }

    private static void Extract(ModelReader reader, InsideFile file, FileStream stream)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var length = 0L;
        for (var i = 0; i < file.Pieces && length <= file.Length; i++)
        {
            var piece = reader.Bytes($"{file.Entry}.{i}", PieceLength);
            if (piece.Length == 0)
                break;
            length += piece.Length;
            hash.AppendData(piece);
            if (length <= file.Length)
                stream.Write(piece);
        }

        var found = Convert.ToHexStringLower(hash.GetHashAndReset());
        if (length != file.Length || found != file.Sha256)
            throw new ControlNetException(
                $"The model's file {Message.Name(file.Name)} in the entries {Message.Name(file.Entry)} is damaged: "
                    + $"it has {length:N0} bytes with SHA-256 {found[..16]}…, expected {file.Length:N0} with {file.Sha256[..16]}….");
        stream.Flush(flushToDisk: true);
    }
}

/// <summary>A file in a saved model.</summary>
/// <param name="Name">Its path relative to its folder, with slashes.</param>
/// <param name="Length">Its length in bytes.</param>
/// <param name="Sha256">The SHA-256 of its content, in hexadecimal.</param>
/// <param name="Entry">The prefix of its entries' names.</param>
/// <param name="Pieces">The number of entries that hold it.</param>
internal sealed record InsideFile(string Name, long Length, string Sha256, string Entry, int Pieces);
