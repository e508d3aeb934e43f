using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ControlNet.ML.Cli.Scoring;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Cli.Evaluating;

/// <summary>
/// The content of evaluate.json: what is measured and by what, so that shards can be merged and results say where they come from.
/// </summary>
/// <param name="Table">The table's file name.</param>
/// <param name="Rows">Number of rows in the table.</param>
/// <param name="Shards">Number of shards.</param>
/// <param name="Methods">The ways of making images, in the order of the report.</param>
/// <param name="Real">The real images, or null.</param>
/// <param name="Settings">The settings that the measures depend on, by name.</param>
/// <param name="SheetRows">Number of rows on the contact sheet.</param>
internal sealed record EvaluationRecord(
    string Table, long Rows, int Shards, IReadOnlyList<RecordedMethod> Methods, RecordedMethod? Real,
    IReadOnlyDictionary<string, string> Settings, int SheetRows)
{
    /// <summary>The name of the setting with the extractor of features.</summary>
    public const string Features = "features";

    private const string FileName = "evaluate.json";

    /// <summary>The digest of the settings, by which measures are known to belong together.</summary>
    public string Key => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(Settings))))[..16];

    /// <summary>The file in a folder.</summary>
    public static string PathOf(string folder) => Path.Combine(folder, FileName);

    /// <summary>Reads the file of a folder.</summary>
    /// <exception cref="ControlNetException">It is missing or cannot be read.</exception>
    public static EvaluationRecord Read(string folder)
    {
        var path = PathOf(folder);
        if (!File.Exists(path))
            throw new ControlNetException(
                $"The folder {Message.Name(folder)} has no {FileName}, expected the --output folder of 'controlnet evaluate'.");
        var record = JsonText.Deserialize<EvaluationRecord>(JsonText.ReadFile(path, path), path, Json.Options);
        return record is { Table: not null, Methods.Count: > 0, Settings: not null, Rows: >= 0, SheetRows: >= 0 }
            && record.Shards is >= 1 and <= Shard.Most
            && record.Methods.All(method => method is { Name: not null, Folder: not null })
            ? record
            : throw new ControlNetException($"{path}: is incomplete, expected a file that 'controlnet evaluate' wrote.");
    }

    /// <summary>Writes the file.</summary>
    /// <exception cref="ControlNetException">It cannot be written.</exception>
    public void Write(string folder) => AtomicFile.Write(
        PathOf(folder), stream => stream.Write(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(this, Json.Options) + "\n")));
}

/// <summary>A way of making images, or the real images.</summary>
/// <param name="Name">Its name in the report.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Folder">The folder of its images; relative to that of the evaluation if it is in it.</param>
/// <param name="Images">Number of images that are expected: a row each, or the real images.</param>
internal sealed record RecordedMethod(string Name, ImageMethodKind Kind, string Folder, long Images);
