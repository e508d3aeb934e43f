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

    /// <summary>
    /// Takes the requested name, or derives one that does not exist yet, and checks before any work that it can be written.
    /// </summary>
    /// <param name="output">The requested name, the folder for a derived name, or null.</param>
    /// <param name="title">What a derived name begins with.</param>
    /// <exception cref="ControlNetException">The folder is missing or not writable.</exception>
    /// <exception cref="UsageException">The extension is not that of an image.</exception>
    public static ImageFiles Prepare(string? output, string title)
    {
        if (output is null || OutputName.Folder(output) is not null)
        {
            var (into, stem) = (output ?? ".", FileTitle.Of(title));
            for (var n = 2; Suffixes.Any(suffix => File.Exists(Path.Combine(into, $"{stem}{suffix}.png"))); n++)
                stem = $"{FileTitle.Of(title)}-{n:00}";
            return new ImageFiles(into, stem, ".png").Checked();
        }

        var extension = Path.GetExtension(output);
        if (!Formats.Contains(extension.ToLowerInvariant()))
            throw new UsageException(
                $"--output {Message.Name(output)} has the extension '{extension}', expected {Message.Choices(Formats)}.");
        var parent = Path.GetDirectoryName(output) is { Length: > 0 } folder ? folder : ".";
        return new ImageFiles(parent, Path.GetFileNameWithoutExtension(output), extension).Checked();
    }

    /// <summary>The only image, or the n-th of several, from 1.</summary>
    public string Image(int number, int count) => Named(count == 1 ? "" : $"-{number}");

    /// <summary>A file written with the images, such as their grid.</summary>
    public string Companion(string suffix) => Named($"-{suffix}");

    private string Named(string suffix) =>
        _folder == "." ? $"{_stem}{suffix}{_extension}" : Path.Combine(_folder, $"{_stem}{suffix}{_extension}");

    private ImageFiles Checked()
    {
        if (!Directory.Exists(_folder))
            throw new ControlNetException($"The output folder '{_folder}' does not exist: create it first.");
        var probe = Path.Combine(_folder, $".{Path.GetRandomFileName()}");
        try
        {
            new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose).Dispose();
            return this;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ControlNetException($"The output folder '{_folder}' cannot be written: {e.Message}", e);
        }
    }
}
