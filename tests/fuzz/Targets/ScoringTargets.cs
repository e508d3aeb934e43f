using System.Text;
using System.Text.Json;
using ControlNet.ML.Cli;
using ControlNet.ML.Cli.Scoring;
using ControlNet.ML.Cli.Tables;

namespace ControlNet.ML.Fuzz.Targets;

/// <summary>What a run of <c>score</c> leaves for the next.</summary>
internal static class ScoringTargets
{
    private const int Rows = 10;

    /// <summary>The readers.</summary>
    public static IEnumerable<Reader> All(Workplace folder)
    {
        var entries = new[]
        {
            new JournalEntry(0, 1, 0.5, null, new Dictionary<string, string> { ["prompt"] = "a \u6f22", ["seed"] = "1" }), new JournalEntry(1, null, 0.1, "column 'photo': it is not there", null),
            new JournalEntry(2, 3, 0.2, null, new Dictionary<string, string>()),
        };
        byte[] journal = [.. entries.SelectMany(entry => entry.ToLine())];
        yield return new Reader("journal", [journal], input =>
        {
            using var read = Journal.Open(folder.Write("journal.jsonl", input), Shard.Whole, Rows);
            _ = read.Succeeded + read.Failed;
        })
        { Words = ["\n", "\"row\":", "\"error\":", "{\"row\":3,\"seconds\":1,\"error\":\"x\"}\n"] };
        yield return new Reader("journal-line", [.. entries.Select(entry => entry.ToLine()[..^1])], input => _ = JournalEntry.Parse(input)?.ProvenanceText) { IsJson = true, Refuses = _ => false };

        var record = new ScoringRecord("t.csv", "00", 3, 1, new Dictionary<string, string> { ["steps"] = "20", ["format"] = "csv" }, new TableOutline(["prompt", "seed"], 1, "0011223344556677aabbccdd"));
        var now = record with { TableSha256 = "11", Rows = 4 };
        byte[][] records = [JsonSerializer.SerializeToUtf8Bytes(record, Json.Options), JsonSerializer.SerializeToUtf8Bytes(record with { Outline = null, Shards = 3, SchedulerConfig = JsonSerializer.SerializeToElement(new { beta_start = 0.5 }) }, Json.Options)];
        yield return new Reader("run-record", records, input => _ = ScoringRecord.Read(folder.Write("run.json", input)).Difference(now, rows => new TableOutline(["prompt"], rows, "0011223344556677")))
        { IsJson = true, Words = ["\"outline\": null", "table_sha256", "settings", "shards"] };

        const string results = "row,ok,file,seed,seconds,error,provenance,prompt\n0,true,pictures/00000000.png,1,0.5,,{},a\n1,false,,2,0.5,bad,,b\n2,true,pictures/00000002.png,3,0.5,,{},c\n";
        var merged = folder.Fresh("merged");
        folder.Write("merged/pictures/00000000.png", [1]);
        folder.Write("merged/pictures/00000002.png", [1]);
        yield return new Reader("merge-record", [records[0]], input =>
        {
            folder.Write("merged/run.json", input);
            folder.Write("merged/results.csv", Encoding.UTF8.GetBytes(results));
            Merge.Run(merged, default);
        })
        { IsJson = true };
        yield return new Reader("merge-results", [Encoding.UTF8.GetBytes(results)], input =>
        {
            folder.Write("merged/run.json", records[0]);
            folder.Write("merged/results.csv", input);
            Merge.Run(merged, default);
        })
        { Words = ["row,ok,file,seed,seconds,error,provenance,prompt\n", "true", "../x", ",,,,"] };
    }
}
