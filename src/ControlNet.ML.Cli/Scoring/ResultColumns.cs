using System.Globalization;
using Parquet.Schema;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>The columns of the results, before those that are carried through.</summary>
internal static class ResultColumns
{
    /// <summary>As fields of Parquet.</summary>
    public static IReadOnlyList<DataField> Fields { get; } =
    [
        new DataField("row", typeof(long), isNullable: true),
        new DataField("ok", typeof(bool), isNullable: true),
        new DataField("file", typeof(string), isNullable: true),
        new DataField("seed", typeof(ulong), isNullable: true),
        new DataField("seconds", typeof(double), isNullable: true),
        new DataField("error", typeof(string), isNullable: true),
        new DataField("provenance", typeof(string), isNullable: true),
        new DataField("prompt", typeof(string), isNullable: true),
    ];

    /// <summary>Columns that a table may also have: the results have the values with which the images were generated.</summary>
    public static IReadOnlyList<string> Effective { get; } = ["seed", "prompt"];

    /// <summary>Names that a table's columns must not have.</summary>
    public static IReadOnlyList<string> Own { get; } = [.. Fields.Select(field => field.Name).Except(Effective)];

    /// <summary>The values of a finished row.</summary>
    /// <param name="entry">The row.</param>
    /// <param name="prompt">Its prompt.</param>
    public static object?[] Values(JournalEntry entry, string prompt) =>
    [
        entry.Row,
        entry.Error is null,
        entry.Error is null ? ScoringFolder.ImageName(entry.Row) : null,
        entry.Seed,
        entry.Seconds,
        entry.Error,
        entry.ProvenanceText,
        prompt,
    ];

    /// <summary>A value as culture-invariant text; bytes as Base64.</summary>
    public static string Text(object? value) => value switch
    {
        null => "",
        string text => text,
        bool truth => truth ? "true" : "false",
        byte[] bytes => Convert.ToBase64String(bytes),
        DateTime time => time.ToString("O", CultureInfo.InvariantCulture),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };
}
