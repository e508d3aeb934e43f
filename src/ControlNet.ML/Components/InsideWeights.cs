using System.Security.Cryptography;
using System.Text.Json;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Components;

/// <summary>
/// Files of weights in a saved model: in pieces, so that neither saving nor loading holds more than one of them in memory. Loading puts
/// them into the user's cache, in a folder named by their contents, and checks them there each time.
/// </summary>
internal static class InsideWeights
{
    private const int PieceLength = 32 << 20;

    /// <summary>Writes files.</summary>
    /// <param name="writer">The component's entries.</param>
    /// <param name="prefix">What the entries' names begin with: another one for each model and network of a component.</param>
    /// <param name="root">The folder that the files' names start from.</param>
    /// <param name="files">Names and checksums.</param>
    /// <returns>What is needed to bring them back.</returns>
    public static InsideFile[] Write(ModelWriter writer, string prefix, string root, IReadOnlyList<WeightFile> files)
    {
        var piece = new byte[(int)Math.Min(PieceLength, files.Max(file => new FileInfo(Path.Combine(root, file.Name)).Length))];
        List<InsideFile> written = [];
        for (var i = 0; i < files.Count; i++)
        {
            using var stream = File.OpenRead(Path.Combine(root, files[i].Name));
            var pieces = 0;
            int read;
            while ((read = stream.ReadAtLeast(piece, piece.Length, throwOnEndOfStream: false)) > 0)
                writer.Bytes(Entry(prefix, i, pieces++), piece.AsMemory(0, read));
            written.Add(new InsideFile(files[i].Name, stream.Length, files[i].Sha256, Entry(prefix, i, null), pieces));
        }

        return [.. written];
    }

    /// <summary>Makes files of a saved model be there.</summary>
    /// <param name="reader">The component's entries.</param>
    /// <param name="files">What <see cref="Write"/> gave.</param>
    /// <returns>Their folder.</returns>
    /// <exception cref="ControlNetException">They are damaged, or there is no folder to put them.</exception>
    public static string Place(ModelReader reader, IReadOnlyList<InsideFile> files)
    {
        foreach (var file in files)
            CheckName(file.Name);
        var key = Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(files.Select(file => new { file.Name, file.Sha256 }))))[..32];
        List<string> failures = [];
        foreach (var root in UserCache.Folders("models"))
        {
            var folder = Path.Combine(root, key);
            try
            {
                if (!IsSound(folder, files))
                    Extract(reader, files, folder);
                return folder;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                failures.Add($"{root} ({error.Message})");
            }
        }

        throw new ControlNetException(
            $"The weights in the model cannot be put anywhere: tried {string.Join("; ", failures)}. Name a folder with room in {UserCache.Variable}.");
    }

    private static string Entry(string prefix, int file, int? piece) => piece is null ? $"{prefix}{file}" : $"{prefix}{file}.{piece}";

    /// <summary>A name from a model that anyone may have made: it stays in its folder.</summary>
    private static void CheckName(string name)
    {
        var isSound = name.Length is > 0 and < 256
            && name.Split('/').All(part => part.Length > 0 && part is not ("." or "..") && part.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-'));
        if (!isSound)
            throw new ControlNetException($"The model holds a file {Message.Name(name)}, expected letters, digits, '.', '_' and '-' between slashes.");
    }

    private static bool IsSound(string folder, IReadOnlyList<InsideFile> files) => files.All(file =>
    {
        var path = new FileInfo(Path.Combine(folder, file.Name));
        return path.Exists && path.Length == file.Length && WeightReference.Digest(path.FullName) == file.Sha256;
    });

    private static void Extract(ModelReader reader, IReadOnlyList<InsideFile> files, string folder)
    {
        var part = $"{folder}.{Path.GetRandomFileName()}.part";
        Directory.CreateDirectory(part);
        try
        {
            foreach (var file in files)
            {
                var path = Path.Combine(part, file.Name);
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                Extract(reader, file, path);
            }

            Move(part, folder, files);
        }
        finally
        {
            if (Directory.Exists(part))
                Directory.Delete(part, recursive: true);
        }
    }

    private static void Extract(ModelReader reader, InsideFile file, string path)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var stream = File.Create(path);
        for (var i = 0; i < file.Pieces; i++)
        {
            var piece = reader.Bytes($"{file.Entry}.{i}");
            hash.AppendData(piece);
            stream.Write(piece);
        }

        var found = Convert.ToHexStringLower(hash.GetHashAndReset());
        if (stream.Length != file.Length || found != file.Sha256)
            throw new ControlNetException($"The model's file {Message.Name(file.Name)} is damaged: it has {stream.Length:N0} bytes with SHA-256 {found[..16]}…, expected {file.Length:N0} with {file.Sha256[..Math.Min(16, file.Sha256.Length)]}….");
        stream.Flush(flushToDisk: true);
    }

    /// <summary>Another process may have done the same meanwhile; what is there and damaged makes room.</summary>
    private static void Move(string part, string folder, IReadOnlyList<InsideFile> files)
    {
        try
        {
            Directory.Move(part, folder);
        }
        catch (IOException) when (Directory.Exists(folder))
        {
            if (IsSound(folder, files))
                return;
            Directory.Delete(folder, recursive: true);
            Directory.Move(part, folder);
        }
    }
}

/// <summary>A file in a saved model.</summary>
/// <param name="Name">Its path relative to its folder, with slashes.</param>
/// <param name="Length">Its bytes.</param>
/// <param name="Sha256">The SHA-256 of its content, in hexadecimal.</param>
/// <param name="Entry">What its entries' names begin with.</param>
/// <param name="Pieces">How many entries hold it.</param>
internal sealed record InsideFile(string Name, long Length, string Sha256, string Entry, int Pieces);
