namespace ControlNet.ML.Onnx;

/// <summary>
/// A temporary file for a graph, since ML.NET accepts only a path. It is a memory file where the system supports them, otherwise a file in
/// a private folder; either way no other user can change it, and it is gone soon after the process.
/// </summary>
internal sealed class TemporaryGraph : IDisposable
{
    private const string Name = "controlnet.onnx";
    private readonly MemoryFile? _memory;
    private readonly ScratchFolder? _folder;

    /// <summary>Writes a graph.</summary>
    /// <param name="graph">An ONNX file's bytes.</param>
    /// <exception cref="ControlNetException">The file cannot be written.</exception>
    public TemporaryGraph(ReadOnlySpan<byte> graph)
    {
        _memory = MemoryFile.TryCreate(Name, graph, isCode: false);
        if (_memory is not null)
            Path = _memory.Path;
        else
            (_folder, Path) = InFolder(graph);
    }

    /// <summary>The path of the file.</summary>
    public string Path { get; }

    /// <summary>Removes it.</summary>
    public void Dispose()
    {
        _memory?.Dispose();
        _folder?.Dispose();
    }

    private static (ScratchFolder Folder, string Path) InFolder(ReadOnlySpan<byte> graph)
    {
        var folder = ScratchFolder.Create();
        var path = folder.File(Name);
        try
        {
            using var stream = new FileStream(path, FileMode.CreateNew, FileAccess.Write);
            stream.Write(graph);
            return (folder, path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            folder.Dispose();
            throw new ControlNetException($"{path}: cannot be written: {error.Message}", error);
        }
    }
}
