using System.Globalization;
using ControlNet.ML.Cli.Tables;
using Parquet.Schema;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>Joins the results of all shards, and makes sure that every row of the table is there exactly once, with its image.</summary>
internal sealed class Merge
{
    private const int MostProblems = 100;

    private readonly string _folder;
    private readonly ScoringRecord _record;
    private readonly string _format;
    private readonly List<string> _problems = [];

    private Merge(string folder)
    {
        var file = ScoringFolder.Record(folder);
        if (!File.Exists(file))
            throw new ControlNetException($"The folder '{folder}' has no run.json, expected one in which 'controlnet score' worked.");
        (_folder, _record) = (folder, ScoringRecord.Read(file));
        _format = _record.Settings.GetValueOrDefault("format", ResultWriter.Formats[0]);
    }

    /// <summary>Merges a folder. The results of a run without shards are only verified.</summary>
    /// <param name="folder">The folder of the run.</param>
    /// <param name="cancellationToken">Stops it; nothing is left half-written.</param>
    /// <exception cref="ControlNetException">The folder is of no run, or its files are damaged.</exception>
    public static MergeReport Run(string folder, CancellationToken cancellationToken)
    {
        var merge = new Merge(folder);
        return merge.Join(cancellationToken);
    }

    private MergeReport Join(CancellationToken cancellationToken)
    {
        var shards = Enumerable.Range(0, _record.Shards).Select(index => new Shard(index, _record.Shards)).ToArray();
        foreach (var shard in shards.Where(shard => !File.Exists(ResultsOf(shard))))
            Problem(shard.Count == 1 ? $"{ScoringFolder.ResultsName(shard, _format)} is not there: the run is not finished." : $"shard {shard.Index} of {shard.Count} is not finished: {ScoringFolder.ResultsName(shard, _format)} is not there.");
        if (Count > 0)
            return Report(null, 0);

        var target = Path.Combine(_folder, ScoringFolder.ResultsName(Shard.Whole, _format));
        List<Part> parts = [];
        try
        {
            parts.AddRange(shards.Select(shard => new Part(shard, ResultsOf(shard), cancellationToken)));
            var failed = 0L;
            if (_record.Shards == 1)
            {
                failed = Rows(parts, _ => { }, cancellationToken);
                return Report(Count == 0 ? target : null, failed);
            }

            try
            {
                AtomicFile.Write(target, stream =>
                {
                    using var writer = ResultWriter.Create(_format, stream, parts[0].Fields, Results.RowsInGroup(_record.Shards));
                    failed = Rows(parts, writer.Write, cancellationToken);
                    writer.Finish();
                    if (Count > 0)
                        throw new IncompleteException();
                });
            }
            catch (IncompleteException)
            {
                return Report(null, failed);
            }

            return Report(target, failed);
        }
        finally
        {
            foreach (var part in parts)
                part.Dispose();
        }
    }

    private long Count { get; set; }

    /// <summary>All rows in order; the number of those that failed.</summary>
    private long Rows(List<Part> parts, Action<object?[]> write, CancellationToken cancellationToken)
    {
        var failed = 0L;
        for (var row = 0L; row < _record.Rows; row++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var part = parts[(int)(row % parts.Count)];
            while (part.Row < row && part.Row is { } early)
            {
                Problem($"row {early} is in {part.Name} more than once, or where it does not belong.");
                part.Next();
            }

            if (part.Row != row && parts.TrueForAll(other => other.Row is null))
            {
                // Not one problem a row: run.json may be damaged and say any number.
                Problem($"row {row} and all behind it, {_record.Rows - row:N0} rows, are missing.");
                break;
            }

            if (part.Row != row)
            {
                Problem($"row {row} is missing in {part.Name}.");
                continue;
            }

            var values = part.Values;
            if (part.IsOk && part.File != ScoringFolder.ImageName(row))
                Problem($"row {row}: its image is called {Message.Name(part.File)}, expected '{ScoringFolder.ImageName(row)}'.");
            else if (part.IsOk && new FileInfo(Path.Combine(_folder, part.File)) is not { Exists: true, Length: > 0 })
                Problem($"row {row}: its image {part.File} is not there.");
            failed += part.IsOk ? 0 : 1;
            write(values);
            part.Next();
        }

        foreach (var part in parts.Where(part => part.Row is not null))
            Problem($"row {part.Row} is in {part.Name}, and the table has only {_record.Rows:N0} rows.");
        return failed;
    }

    private string ResultsOf(Shard shard) => Path.Combine(_folder, ScoringFolder.ResultsName(shard, _format));

    private void Problem(string what)
    {
        if (Count++ < MostProblems)
            _problems.Add(what);
    }

    private MergeReport Report(string? file, long failed) => new(file, _record.Rows, failed, _record.Shards, Count, _problems);

    private sealed class IncompleteException : Exception;

    /// <summary>The results of one shard, at one row.</summary>
    private sealed class Part : IDisposable
    {
        private readonly IEnumerator<TableRow> _rows;
        private bool _isThere;

        public Part(Shard shard, string path, CancellationToken cancellationToken)
        {
            var table = TableReader.Open(path, cancellationToken: cancellationToken);
            Name = ScoringFolder.ResultsName(shard, Path.GetExtension(path)[1..]);
            if (!table.Columns.Take(ResultColumns.Fields.Count).Select(column => column.Name).SequenceEqual(ResultColumns.Fields.Select(field => field.Name)))
                throw new ControlNetException($"{path} does not begin with the columns {string.Join(", ", ResultColumns.Fields.Select(field => field.Name))}, expected what 'controlnet score' wrote.");
            Fields = [.. Enumerable.Range(0, table.Columns.Count).Select(table.Field)];
            _rows = table.Read([.. Enumerable.Range(0, table.Columns.Count)]).GetEnumerator();
            Next();
        }

        public string Name { get; }

        public IReadOnlyList<DataField> Fields { get; }

        /// <summary>The row's number, or null behind the last.</summary>
        public long? Row { get; private set; }

        public object?[] Values => _rows.Current.Values;

        public bool IsOk => ResultColumns.Text(Values[1]) == "true";

        public string File => ResultColumns.Text(Values[2]);

        public void Next()
        {
            _isThere = _rows.MoveNext();
            Row = !_isThere ? null : long.TryParse(ResultColumns.Text(Values[0]), NumberStyles.None, CultureInfo.InvariantCulture, out var row)
                ? row
                : throw new ControlNetException($"{Name} has a row without a number, expected what 'controlnet score' wrote.");
        }

        public void Dispose() => _rows.Dispose();
    }
}

/// <summary>What a merge found.</summary>
/// <param name="Results">The file with all rows, or null if some are missing.</param>
/// <param name="Rows">Rows of the table.</param>
/// <param name="Failed">Rows with an error.</param>
/// <param name="Shards">Shards.</param>
/// <param name="Missing">How many problems there are.</param>
/// <param name="Problems">The first hundred of them.</param>
internal sealed record MergeReport(string? Results, long Rows, long Failed, int Shards, long Missing, IReadOnlyList<string> Problems);
