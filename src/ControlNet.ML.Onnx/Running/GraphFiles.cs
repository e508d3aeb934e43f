namespace ControlNet.ML.Onnx;

/// <summary>The files that a graph consists of.</summary>
internal static class GraphFiles
{
    /// <summary>The graph's file, and after it those of its external weights, by name.</summary>
    /// <param name="paths">ONNX files; empty names are left out.</param>
    /// <returns>Their full paths.</returns>
    /// <exception cref="ControlNetException">A file is missing, cut off or damaged.</exception>
    public static IReadOnlyList<string> Of(params ReadOnlySpan<string> paths)
    {
        List<string> files = [];
        foreach (var path in paths)
        {
            if (path.Length > 0)
                Add(path, files);
        }

        return files;
    }

    private static void Add(string path, List<string> files)
    {
        using var file = MappedFile.Open(path);
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        ExternalWeights.Check(file.Bytes, folder, path);
        files.AddRange(GraphReader.Files(GraphOutline.Read(file.Bytes, path)));
    }
}
