using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Comparing;

/// <summary>Compares two image files, or those of two folders by name.</summary>
internal static class ImagePairs
{
    /// <summary>Compares them.</summary>
    /// <param name="first">A file or folder.</param>
    /// <param name="second">Another of the same kind.</param>
    /// <param name="show">Live progress: title, amount done and total.</param>
    /// <param name="cancellationToken">Checked before each image.</param>
    /// <exception cref="UsageException">One is a file and the other a folder.</exception>
    /// <exception cref="ControlNetException">Two files cannot be compared, or a folder has no images.</exception>
    public static List<ComparedImage> Compare(
        string first, string second, Action<string, double, double> show, CancellationToken cancellationToken)
    {
        if (Directory.Exists(first) != Directory.Exists(second))
            throw new UsageException(
                $"{Message.Name(first)} and {Message.Name(second)} are a folder and none, expected two images, two folders, or two models "
                    + "and --prompts.");
        if (!Directory.Exists(first))
            return [ComparedImage.Of(Path.GetFileName(first), null, ImageCodec.Load(first), ImageCodec.Load(second))];
        var (inFirst, inSecond) = (Names(first), Names(second));
        List<ComparedImage> rows = [];
        string[] names = [.. inFirst.Union(inSecond).Order(StringComparer.Ordinal)];
        foreach (var name in names)
        {
            cancellationToken.ThrowIfCancellationRequested();
            rows.Add(inFirst.Contains(name) && inSecond.Contains(name)
                ? Compare(name, Path.Combine(first, name), Path.Combine(second, name))
                : ComparedImage.Failed(name, null, $"is only in {Message.Name(inFirst.Contains(name) ? first : second)}"));
            show("comparing", rows.Count, names.Length);
        }

        return rows;
    }

    private static ComparedImage Compare(string name, string first, string second)
    {
        try
        {
            return ComparedImage.Of(name, null, ImageCodec.Load(first), ImageCodec.Load(second));
        }
        catch (ControlNetException e)
        {
            return ComparedImage.Failed(name, null, e.Message);
        }
    }

    private static HashSet<string> Names(string folder) => [.. PhotoFiles.Find([folder]).Select(file => Path.GetFileName(file))];
}
