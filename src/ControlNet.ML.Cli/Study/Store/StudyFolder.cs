using System.Security.Cryptography;

namespace ControlNet.ML.Cli.Study.Store;

/// <summary>The folder of a study: its SQLite file and copies of its images.</summary>
internal sealed class StudyFolder : IDisposable
{
    private const string DatabaseName = "study.db", ImagesName = "images";
    private const int MostBytes = 256 << 20;

    private StudyFolder(string path, StudyDatabase database, StudyDefinition definition) =>
        (Path, Definition, Answers) = (path, definition, new AnswerStore(database, definition));

    /// <summary>The folder.</summary>
    public string Path { get; }

    /// <summary>What is compared, and how.</summary>
    public StudyDefinition Definition { get; }

    /// <summary>The raters and their answers.</summary>
    public AnswerStore Answers { get; }

    /// <summary>The SQLite file in a folder.</summary>
    public static string DatabaseIn(string folder) => System.IO.Path.Combine(folder, DatabaseName);

    /// <summary>The folder of the copies in a folder.</summary>
    public static string ImagesIn(string folder) => System.IO.Path.Combine(folder, ImagesName);

    /// <summary>The copy of an image, in the folder of the copies.</summary>
    public static string CopyIn(string images, string key) => System.IO.Path.Combine(images, $"{key}.png");

    /// <summary>Opens a study.</summary>
    /// <exception cref="ControlNetException">It is none, or damaged.</exception>
    public static StudyFolder Open(string folder)
    {
        var file = DatabaseIn(folder);
        if (!File.Exists(file))
        {
            var found = Directory.Exists(folder) ? $"has no file {DatabaseName}" : File.Exists(folder) ? "is a file" : "does not exist";
            throw new ControlNetException($"{folder}: {found}, expected a folder that 'controlnet study create' made.");
        }

        var database = StudyDatabase.Open(file);
        try
        {
            return new StudyFolder(folder, database, DefinitionStore.Read(database, file));
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    /// <summary>Throws if a copy of an image is missing, or is not what it was when the study was created.</summary>
    /// <exception cref="ControlNetException">One is.</exception>
    public void CheckImages(CancellationToken cancellationToken)
    {
        foreach (var image in Definition.Groups.SelectMany(group => group.All))
        {
            cancellationToken.ThrowIfCancellationRequested();
            ReadImage(image);
        }
    }

    /// <summary>The bytes of an image's copy, a PNG file.</summary>
    /// <exception cref="ControlNetException">It is missing, or was changed since the study was created.</exception>
    public byte[] ReadImage(StudyImage image)
    {
        var file = CopyIn(ImagesIn(Path), image.Key);
        var bytes = RegularFile.ReadAll(file, file, MostBytes, "an image");
        return Convert.ToHexStringLower(SHA256.HashData(bytes)) == image.Sha256
            ? bytes
            : throw new ControlNetException($"{file}: was changed since the study was created, expected SHA-256 {image.Sha256}.");
    }

    public void Dispose() => Answers.Dispose();
}
