using System.Globalization;
using ControlNet.ML.Cli.Scoring;

namespace ControlNet.ML.Cli.Evaluating;

/// <summary>A folder of images made elsewhere, by name; the folder of a run of <c>score</c> stands for the images in it.</summary>
internal sealed class ImageFolder
{
    private readonly IReadOnlyDictionary<string, string> _byStem;
    private readonly Dictionary<long, string> _byNumber = [];
    private readonly Dictionary<string, (long, DateTime)> _found;

    private ImageFolder(string path)
    {
        (Path, _byStem) = (path, PhotoFiles.ByName(path));
        _found = List(_byStem.Values);
        foreach (var (stem, file) in _byStem)
        {
            if (long.TryParse(stem, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                _byNumber.TryAdd(number, file);
        }
    }

    /// <summary>The folder with the images.</summary>
    public string Path { get; }

    /// <summary>The images, by name.</summary>
    public IReadOnlyList<string> Files => [.. _byStem.Values.Order(StringComparer.Ordinal)];

    /// <summary>Lists a folder.</summary>
    /// <exception cref="ControlNetException">It is missing, has no images, or two of one name.</exception>
    public static ImageFolder Open(string path)
    {
        if (!Directory.Exists(path))
            throw new ControlNetException($"The folder {Message.Name(path)} does not exist.");
        var images = System.IO.Path.Combine(path, System.IO.Path.GetDirectoryName(ScoringFolder.ImageName(0))!);
        return new ImageFolder(File.Exists(ScoringFolder.Record(path)) && Directory.Exists(images) ? images : path);
    }

    /// <summary>The image of a name without extension, or null.</summary>
    public string? Find(string stem) => _byStem.GetValueOrDefault(stem);

    /// <summary>The image whose name is a number, with any number of zeros before it, or null.</summary>
    public string? Find(long number) => _byNumber.GetValueOrDefault(number);

    /// <summary>Throws if images were added, removed or changed since the folder was listed.</summary>
    /// <exception cref="ControlNetException">The folder changed.</exception>
    public void RequireUnchanged()
    {
        var now = List(PhotoFiles.Find([Path]));
        var (added, removed) = (now.Keys.Except(_found.Keys).Count(), _found.Keys.Except(now.Keys).Count());
        var changed = now.Count(entry => _found.TryGetValue(entry.Key, out var before) && before != entry.Value);
        if (added + removed + changed > 0)
            throw new ControlNetException(
                $"The folder {Message.Name(Path)} changed while its images were measured: {added:N0} are new, {removed:N0} are gone, "
                    + $"{changed:N0} have other content. The same command measures these again.");
    }

    private static Dictionary<string, (long, DateTime)> List(IEnumerable<string> files) =>
        files.Select(file => new FileInfo(file)).Where(file => file.Exists)
            .ToDictionary(file => file.FullName, file => (file.Length, file.LastWriteTimeUtc));
}
