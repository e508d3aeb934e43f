using System.Text;
using System.Text.Json;
using ControlNet.ML.Cli.Tables;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>The content of run.json: everything that the images depend on, so that only the same run is resumed.</summary>
/// <param name="Table">The table's file name, for people.</param>
/// <param name="TableSha256">SHA-256 of the table.</param>
/// <param name="Rows">Number of rows in the table.</param>
/// <param name="Shards">Number of shards.</param>
/// <param name="Settings">The settings by name.</param>
/// <param name="Outline">The table's outline, which shows how the table changed; null if it was not recorded.</param>
/// <param name="SchedulerConfig">
/// The scheduler's configuration, the same for all rows, to which their provenance refers; null in runs of versions whose rows repeat it.
/// </param>
internal sealed record ScoringRecord(
    string Table, string TableSha256, long Rows, int Shards, IReadOnlyDictionary<string, string> Settings, TableOutline? Outline = null,
    JsonElement? SchedulerConfig = null)
{
    /// <summary>The setting that says what became of long prompts.</summary>
    public const string LongPrompts = "long prompts";

    /// <summary>Reads a run.json.</summary>
    /// <exception cref="ControlNetException">It cannot be read.</exception>
    public static ScoringRecord Read(string path)
    {
        var record = JsonText.Deserialize<ScoringRecord>(JsonText.ReadFile(path, path), path, Json.Options);
        return record is { Table: not null, TableSha256: not null, Settings: not null, Rows: >= 0, Shards: >= 1 and <= Shard.Most }
            && record.Outline is null or { IsSound: true }
            ? record
            : throw new ControlNetException($"{path}: is incomplete, expected a file that 'controlnet score' wrote.");
    }

    /// <summary>Reads the run.json of a run's folder.</summary>
    /// <exception cref="ControlNetException">There is none, or it cannot be read.</exception>
    public static ScoringRecord ReadIn(string folder)
    {
        var file = ScoringFolder.Record(folder);
        return File.Exists(file)
            ? Read(file)
            : throw new ControlNetException($"The folder '{folder}' has no run.json, expected the --output folder of 'controlnet score'.");
    }

    /// <summary>The seed of a run: a drawn one is that of the run in the folder, if there is one.</summary>
    /// <param name="folder">The folder of the run.</param>
    /// <param name="seed">The seed on the command line.</param>
    /// <param name="shard">The part of the table to score.</param>
    /// <exception cref="UsageException">Each shard of a new run would draw its own.</exception>
    public static SeedChoice Seed(string folder, SeedChoice seed, Shard shard)
    {
        if (!seed.IsDrawn)
            return seed;
        if (File.Exists(ScoringFolder.Record(folder)))
            return seed.Resumed(Read(ScoringFolder.Record(folder)).Settings.GetValueOrDefault("seed"));
        return shard.Count == 1
            ? seed
            : throw new UsageException("--seed is random, expected a number: each shard would draw another one.");
    }

    /// <summary>Writes the file unless it exists: of several shards that start at once, one writes it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="outline">Reads the table's outline in blocks of a number of rows.</param>
    /// <exception cref="ControlNetException">It cannot be written.</exception>
    public void WriteNew(string path, Func<int, TableOutline> outline)
    {
        if (File.Exists(path))
            return;
        var whole = this with { Outline = outline(TableOutline.BlockFor(Rows)) };
        AtomicFile.WriteNew(path, stream => stream.Write(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(whole, Json.Options) + "\n")));
    }

    /// <summary>Describes the differences from another run; null if there are none.</summary>
    /// <param name="now">The other run.</param>
    /// <param name="outline">Reads its table's outline in blocks of a number of rows.</param>
    public string? Difference(ScoringRecord now, Func<int, TableOutline> outline)
    {
        List<string> different = [];
        if (TableSha256 != now.TableSha256)
        {
            var how = Outline is not null ? Outline.Difference(Rows, outline(Outline.RowsInBlock), now.Rows) : "its contents differ";
            different.Add($"the table ({Table} there with {Rows:N0} rows, {now.Table} here with {now.Rows:N0}: {how})");
        }

        if (Shards != now.Shards)
            different.Add($"the number of shards ({Shards} there, {now.Shards} here)");
        if (SchedulerConfig is { } before && now.SchedulerConfig is { } after && !JsonElement.DeepEquals(before, after))
            different.Add("the scheduler's configuration in the model's folder");
        foreach (var name in Settings.Keys.Union(now.Settings.Keys))
        {
            var (there, here) = (Find(Settings, name), Find(now.Settings, name));
            if (there != here)
                different.Add($"{name} ({Text(there)} there, {Text(here)} here)");
        }

        return different.Count == 0 ? null : string.Join("; ", different);

        // Runs of versions that cut long prompts do not say so.
        static string? Find(IReadOnlyDictionary<string, string> settings, string name) =>
            settings.GetValueOrDefault(name) ?? (name == LongPrompts ? "truncate" : null);

        static string Text(string? value) => string.IsNullOrEmpty(value) ? "nothing" : Message.Name(value);
    }
}
