using System.Globalization;
using ControlNet.ML.Cli.Tables;
using Parquet.Schema;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>Merges the results of all shards, and checks that every row of the table occurs exactly once, with its image.</summary>
internal sealed class Merge
{
    private const int MostProblems = 100;

    private readonly string _folder;
    private readonly ScoringRecord _record;
    private readonly string _format;
    private readonly List<string> _problems = [];

    private Merge(string folder)
    {
        (_folder, _record) = (folder, ScoringRecord.ReadIn(folder));
        _format = _record.Settings.GetValueOrDefault("format", ResultWriter.Formats[0]);
    }

    /// <summary>Merges a folder. The results of a run without shards are only verified.</summary>
    /// <param name="folder">The folder of the run.</param>
    /// <param name="cancellationToken">Stops it; nothing is left half-written.</param>
    /// <exception cref="ControlNetException">The folder holds no run, or its files are damaged.</exception>
    public static MergeReport Run(string folder, CancellationToken cancellationToken)
    {
        var merge = new Merge(folder);
        return merge.Join(cancellationToken);
    }

    private MergeReport Join(CancellationToken cancellationToken)
    {
        var shards = Enumerable.Range(0, _record.Shards).Select(index => new Shard(index, _record.Shards)).ToArray();
        foreach (var shard in shards.Where(shard => !File.Exists(ResultsOf(shard))))
        {
            var run = shard.Count == 1 ? "the run" : $"shard {shard.Index} of {shard.Count}";
            Problem($"{run} is not finished: {ScoringFolder.ResultsName(shard, _format)} is missing.");
        }

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

    /// <summary>Passes all rows on in order, and returns the number of failed ones.</summary>
    private long Rows(List<Part> parts, Action<object?[]> write, CancellationToken cancellationToken)
    {
        var failed = 0L;
        for (var row = 0L; row < _record.Rows; row++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var part = parts[(int)(row % parts.Count)];
            while (part.Row < row && part.Row is { } early)
            {
                Problem($"row {early} is duplicated or out of place in {part.Name}.");
                part.Next();
            }

            if (part.Row != row && parts.TrueForAll(other => other.Row is null))
            {
                // One problem, not one per row: a damaged run.json may claim any number of rows.
                Problem($"row {row} and all later rows are missing, {_record.Rows - row:N0} in all.");
                break;
            }

            if (part.Row != row)
            {
                Problem($"row {row} is missing from {part.Name}.");
                continue;
            }

            var values = part.Values;
            if (part.IsOk && part.File != ScoringFolder.ImageName(row))
                Problem($"row {row}: its image is {Message.Name(part.File)}, expected '{ScoringFolder.ImageName(row)}'.");
            else if (part.IsOk && new FileInfo(Path.Combine(_folder, part.File)) is not { Exists: true, Length: > 0 })
                Problem($"row {row}: its image {part.File} is missing.");
            failed += part.IsOk ? 0 : 1;
            write(values);
            part.Next();
        }

        foreach (var part in parts.Where(part => part.Row is not null))
            Problem($"row {part.Row} is in {part.Name}, but the table has only {_record.Rows:N0} rows.");
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
            var expected = ResultColumns.Fields.Select(field => field.Name).ToArray();
            if (!table.Columns.Take(expected.Length).Select(column => column.Name).SequenceEqual(expected))
                throw new ControlNetException(
                    $"{path}: expected the results of 'controlnet score', whose first columns are {string.Join(", ", expected)}.");
            Fields = [.. Enumerable.Range(0, table.Columns.Count).Select(table.Field)];
            _rows = table.Read([.. Enumerable.Range(0, table.Columns.Count)]).GetEnumerator();
            Next();
        }

        public string Name { get; }

        public IReadOnlyList<DataField> Fields { get; }

        /// <summary>The row's number, or null after the last row.</summary>
        public long? Row { get; private set; }

        public object?[] Values => _rows.Current.Values;

        public bool IsOk => ResultColumns.Text(Values[1]) == "true";

        public string File => ResultColumns.Text(Values[2]);

        public void Next()
        {
            _isThere = _rows.MoveNext();
            Row = !_isThere
                ? null
                : long.TryParse(ResultColumns.Text(Values[0]), NumberStyles.None, CultureInfo.InvariantCulture, out var row)
                ? row
                : throw new ControlNetException($"{Name} has a row without a number, expected the results of 'controlnet score'.");
        }

        public void Dispose() => _rows.Dispose();
    }
}

/// <summary>The outcome of a merge.</summary>
/// <param name="Results">The file with all rows, or null if there are problems.</param>
/// <param name="Rows">Number of rows in the table.</param>
/// <param name="Failed">Number of rows with an error.</param>
/// <param name="Shards">Number of shards.</param>
/// <param name="Missing">Number of problems.</param>
/// <param name="Problems">The first hundred problems.</param>
internal sealed record MergeReport(string? Results, long Rows, long Failed, int Shards, long Missing, IReadOnlyList<string> Problems);
