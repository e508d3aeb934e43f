using System.Security.Cryptography;
using ControlNet.ML.Weights;
using Microsoft.Win32.SafeHandles;

namespace ControlNet.ML.Components;

/// <summary>
/// Weights that a saved model contained, in the user's cache. The files are held open as long as a component uses them, so that it can be
/// saved again, with the same bytes, even after the cache has been deleted.
/// </summary>
internal sealed class PlacedWeights : IDisposable
{
    private readonly WeightReference _reference;
    private readonly List<FileStream> _files = [];

    private PlacedWeights(string folder, WeightReference reference) => (Folder, _reference) = (folder, reference);

    /// <summary>How a file in the cache is created: new, for the user alone.</summary>
    public static FileStreamOptions NewFile
    {
        get
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0 };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            return options;
        }
    }

    /// <summary>The folder with the files.</summary>
    public string Folder { get; }

    /// <summary>Opens a folder of the cache.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="reference">The expected files.</param>
    /// <param name="isChecked">Whether this process has already checked the contents, in this private folder.</param>
    /// <returns>Null if it is missing or any file differs from the reference.</returns>
    public static PlacedWeights? Open(string folder, WeightReference reference, bool isChecked)
    {
        if (!PrivateFolder.IsPrivate(folder))
            return null;
        var placed = new PlacedWeights(folder, reference);
        try
        {
            if (reference.Inside!.All(file => placed.Open(file, isChecked)))
                return placed;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Treated as missing.
        }

        placed.Dispose();
        return null;
    }

    /// <summary>The reference to load the weights by.</summary>
    public WeightReference ToLoad() => _reference with { Name = _reference.SingleFile is { } file ? Path.Combine(Folder, file) : Folder };

    /// <summary>Writes the files into a model that is being saved, with the bytes that they came with.</summary>
    /// <param name="writer">The component's entries.</param>
    /// <param name="prefix">The prefix of the entries' names.</param>
    public WeightReference Write(ModelWriter writer, string prefix) => _reference with
    {
        Inside = InsideWeights.Write(writer, prefix, [.. _reference.Inside!.Select(file => new WeightFile(file.Name, file.Sha256))], Again),
    };

    /// <summary>Closes the files.</summary>
    public void Dispose() => _files.ForEach(file => file.Dispose());

    private bool Open(InsideFile file, bool isChecked)
    {
        var path = Path.Combine(Folder, file.Name);
        if (!PrivateFolder.Owns(path, FileKind.Regular) || !OwnsFolders(file.Name))
            return false;
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0);
        _files.Add(stream);
        return stream.Length == file.Length && (isChecked || Convert.ToHexStringLower(SHA256.HashData(stream)) == file.Sha256);
    }

    /// <summary>Whether the user also owns the folders in between.</summary>
    private bool OwnsFolders(string name)
    {
        for (var end = name.IndexOf('/', StringComparison.Ordinal); end >= 0; end = name.IndexOf('/', end + 1))
        {
            if (!PrivateFolder.Owns(Path.Combine(Folder, name[..end]), FileKind.Folder))
                return false;
        }

        return true;
    }

    /// <summary>A second stream on an open file, which may have been deleted since.</summary>
    private FileStream Again(int number) =>
        new(new SafeFileHandle(_files[number].SafeFileHandle.DangerousGetHandle(), ownsHandle: false), FileAccess.Read, bufferSize: 0)
        {
            Position = 0,
        };
}
