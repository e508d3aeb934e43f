using System.Globalization;

namespace ControlNet.ML.Onnx;

/// <summary>Weights that a graph has in other files: checked before ONNX Runtime reads them, for a message that names the file.</summary>
internal static class ExternalWeights
{
    /// <summary>Checks that every file is there and long enough.</summary>
    /// <param name="graph">An ONNX file's bytes; the weights in it are skipped, not read.</param>
    /// <param name="folder">The folder that the file names are relative to.</param>
    /// <param name="source">The graph's name, for errors.</param>
    /// <exception cref="ControlNetException">A file is missing, cut off or outside the folder, or the graph is damaged.</exception>
    public static void Check(ReadOnlySpan<byte> graph, string folder, string source)
    {
        try
        {
            foreach (var (file, end) in Ends(graph))
                Check(file, end, folder, source);
        }
        catch (Exception e) when (e is InvalidDataException or System.Text.DecoderFallbackException)
        {
            throw OnnxSignature.Broken(source, e);
        }
    }

    private static void Check(string file, long end, string folder, string source)
    {
        var whole = Path.GetFullPath(folder);
        var path = Path.GetFullPath(Path.Combine(whole, file));
        if (!path.StartsWith(Path.EndsInDirectorySeparator(whole) ? whole : whole + Path.DirectorySeparatorChar, StringComparison.Ordinal))
            throw new ControlNetException($"{source} has weights in {Message.Name(file)}, expected a file in the folder of the graph.");
        if (!File.Exists(path))
            throw new ControlNetException(
                $"{source} has weights in {Message.Name(file)}, which is missing: download or copy it into the same folder.");
        using var stream = RegularFile.Open(path, path, bufferSize: 1);
        if (stream.Length < end)
            throw new ControlNetException(
                $"{source} has weights in {Message.Name(file)}, which has {stream.Length:N0} bytes, expected at least {end:N0}: it is cut "
                    + "off, or belongs to another graph.");
    }

    /// <summary>The files, and for each the number of bytes that the graph needs of it.</summary>
    /// <param name="file">An ONNX file's bytes.</param>
    /// <exception cref="InvalidDataException">The graph is damaged.</exception>
    public static Dictionary<string, long> Ends(ReadOnlySpan<byte> file)
    {
        Dictionary<string, long> ends = [];
        var model = new ProtobufReader(file);
        while (model.Next())
        {
            if (model.Field != OnnxFields.ModelGraph)
                continue;
            var part = new ProtobufReader(model.Body);
            while (part.Next())
            {
                if (part.Field != OnnxFields.GraphInitializer
                    || OnnxFields.ReadNumber(part.Body, OnnxFields.InitializerLocation) != OnnxFields.External)
                    continue;
                var (name, end) = Place(part.Body);
                ends[name] = Math.Max(end, ends.GetValueOrDefault(name));
            }
        }

        return ends;
    }

    private static (string File, long End) Place(ReadOnlySpan<byte> tensor)
    {
        var (file, offset, length) = ("", 0L, 0L);
        var field = new ProtobufReader(tensor);
        while (field.Next())
        {
            if (field.Field != OnnxFields.InitializerExternal)
                continue;
            var value = OnnxFields.ReadText(field.Body, OnnxFields.EntryValue);
            switch (OnnxFields.ReadText(field.Body, OnnxFields.EntryKey))
            {
                case "location":
                    file = value;
                    break;
                case "offset":
                    offset = Number(value);
                    break;
                case "length":
                    length = Number(value);
                    break;
            }
        }

        return (file, offset <= long.MaxValue - length ? offset + length : long.MaxValue);
    }

    private static long Number(string text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        ? number
        : throw new InvalidDataException($"the offset or length of external weights is {Message.Name(text)}, expected a number");
}
