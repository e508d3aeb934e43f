namespace ControlNet.ML.Cli.Study;

/// <summary>The files inside this assembly that studies need: the schema, the style sheet and the script of the pages.</summary>
internal static class StudyAssets
{
    /// <summary>The bytes of a file.</summary>
    public static byte[] Bytes(string name)
    {
        using var stream = typeof(StudyAssets).Assembly.GetManifestResourceStream($"Study/{name}")!;
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.ToArray();
    }

    /// <summary>A file as text.</summary>
    public static string Text(string name) => System.Text.Encoding.UTF8.GetString(Bytes(name));
}
