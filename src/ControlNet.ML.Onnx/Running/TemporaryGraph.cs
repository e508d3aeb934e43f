namespace ControlNet.ML.Onnx;

/// <summary>
/// A graph in a file for as long as it is needed: ML.NET takes nothing but a path. It lies in memory where the system has such files, else in a
/// folder of its own; either way nobody else can change it, and it does not outlive the process for long.
/// </summary>
internal sealed class TemporaryGraph : IDisposable
{
    private const string Name = "controlnet.onnx";
    private readonly MemoryFile? _memory;
    private readonly ScratchFolder? _folder;

    /// <summary>Writes a graph.</summary>
    /// <param name="graph">An ONNX file's bytes.</param>
    /// <exception cref="ControlNetException">There is no place for it.</exception>
    public TemporaryGraph(ReadOnlySpan<byte> graph)
    {
        _memory = MemoryFile.TryCreate(Name, graph, isCode: false);
        if (_memory is not null)
            Path = _memory.Path;
        else
            (_folder, Path) = InFolder(graph);
    }

    /// <summary>Where it lies.</summary>
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
