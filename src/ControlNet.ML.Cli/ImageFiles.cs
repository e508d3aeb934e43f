using System.Text;

namespace ControlNet.ML.Cli;

/// <summary>Names of the files that a command writes.</summary>
internal sealed class ImageFiles
{
    private static readonly string[] Formats = [".png", ".jpg", ".jpeg", ".webp"];

    private static readonly string[] Suffixes = ["", "-1", "-grid", "-condition"];

    private readonly string _folder;
    private readonly string _stem;
    private readonly string _extension;

    private ImageFiles(string folder, string stem, string extension) => (_folder, _stem, _extension) = (folder, stem, extension);

    /// <summary>Takes the name that was asked for, or makes one that is not there yet, and makes sure that it can be written: before any work.</summary>
    /// <param name="output">The name that was asked for, the folder of a made name, or null.</param>
    /// <param name="title">What a made name begins with.</param>
    /// <exception cref="ControlNetException">The place cannot be written.</exception>
    public static ImageFiles Prepare(string? output, string title)
    {
        if (output is null || OutputName.Folder(output) is not null)
        {
            var (into, stem) = (output ?? ".", Slug(title));
            for (var n = 2; Suffixes.Any(suffix => File.Exists(Path.Combine(into, $"{stem}{suffix}.png"))); n++)
                stem = $"{Slug(title)}-{n:00}";
            return new ImageFiles(into, stem, ".png").Checked();
        }

        var extension = Path.GetExtension(output);
        if (!Formats.Contains(extension.ToLowerInvariant()))
            throw new ControlNetException($"--output '{output}' has the ending '{extension}', expected one of {string.Join(", ", Formats)}.");
        return new ImageFiles(Path.GetDirectoryName(output) is { Length: > 0 } folder ? folder : ".", Path.GetFileNameWithoutExtension(output), extension).Checked();
    }

    /// <summary>The only image, or the n-th of several, counted from 1.</summary>
    public string Image(int number, int count) => Named(count == 1 ? "" : $"-{number}");

    /// <summary>A companion of the images.</summary>
    public string Companion(string suffix) => Named($"-{suffix}");

    private string Named(string suffix) => _folder == "." ? $"{_stem}{suffix}{_extension}" : Path.Combine(_folder, $"{_stem}{suffix}{_extension}");

    private ImageFiles Checked()
    {
        if (!Directory.Exists(_folder))
            throw new ControlNetException($"The folder '{_folder}' of the output is not there: make it first.");
        var probe = Path.Combine(_folder, $".{Path.GetRandomFileName()}");
        try
        {
            new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose).Dispose();
            return this;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ControlNetException($"The folder '{_folder}' of the output cannot be written: {e.Message}", e);
        }
    }

    private static string Slug(string title)
    {
        var slug = new StringBuilder();
        foreach (var c in title)
        {
            if (char.IsAsciiLetterOrDigit(c))
                slug.Append(char.ToLowerInvariant(c));
            else if (slug.Length > 0 && slug[^1] != '-')
                slug.Append('-');
            if (slug.Length >= 40)
                break;
        }

        return slug.ToString().Trim('-') is { Length: > 0 } name ? name : "image";
    }
}
