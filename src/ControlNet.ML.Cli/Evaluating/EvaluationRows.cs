using ControlNet.ML.Cli.Scoring;
using ControlNet.ML.Cli.Tables;
using ControlNet.ML.Rows;

namespace ControlNet.ML.Cli.Evaluating;

/// <summary>Reads the rows of a table with the columns that only an evaluation reads: <c>id</c>, <c>keypoints</c>, real images.</summary>
internal sealed class EvaluationRows
{
    /// <summary>The column that names images made elsewhere.</summary>
    public const string IdColumn = "id";

    /// <summary>The column with the files of keypoints.</summary>
    public const string KeypointsColumn = "keypoints";

    private readonly ScorePlan _plan;
    private readonly string _folder;
    private readonly int[] _columns;
    private readonly int _id, _keypoints, _real;

    /// <summary>Finds the columns.</summary>
    /// <param name="plan">The run.</param>
    /// <param name="realColumn">The column of real images, or null.</param>
    /// <exception cref="UsageException">There is no such column.</exception>
    public EvaluationRows(ScorePlan plan, string? realColumn)
    {
        (_plan, _folder) = (plan, Path.GetDirectoryName(Path.GetFullPath(plan.Table.Path))!);
        List<int> columns = [.. plan.Columns.Known];
        (_id, _keypoints, _real) = (Find(IdColumn), Find(KeypointsColumn), Find(realColumn));
        if (realColumn is not null && _real < 0)
            throw new UsageException(
                $"--real is {Message.Name(realColumn)}, expected a folder, or one of the columns of {plan.Table.Path}: "
                    + $"{Message.List([.. plan.Table.Columns.Select(column => column.Name)])}.");
        _columns = [.. columns];

        int Find(string? name)
        {
            var column = plan.Table.Columns.Select(each => each.Name).ToList().IndexOf(name ?? "");
            if (column < 0)
                return -1;
            columns.Add(column);
            return columns.Count - 1;
        }
    }

    /// <summary>All rows of the table, also those of other shards.</summary>
    public IEnumerable<EvaluationRow> ReadAll() => _plan.Table.Read(_columns).Select(Row);

    /// <summary>The rows of this shard.</summary>
    public IEnumerable<EvaluationRow> Read() => ReadAll().Where(row => _plan.Settings.Shard.Has(row.Number));

    private EvaluationRow Row(TableRow row)
    {
        var files = row.Problem is null
            ? Enumerable.Range(0, Math.Max(1, _plan.Columns.Networks))
                .SelectMany(i => new[] { _plan.Columns.Text(row, "photo", i)?.Text, _plan.Columns.Text(row, "condition", i)?.Text })
                .Append(_plan.Columns.Text(row, "image")).OfType<string>()
            : [];
        return new EvaluationRow(row.Number, Text(_id), [.. files.Select(Path.GetFileNameWithoutExtension).OfType<string>().Distinct()])
        {
            Parse = () => _plan.Parser.Parse(row),
            Keypoints = InFolder(Text(_keypoints)),
            Real = InFolder(Text(_real)),
        };

        string? Text(int position) => position < 0 || row.Problem is not null || row.Values[position] is not { } value
            ? null
            : ResultColumns.Text(value) is { Length: > 0 } text ? text : null;

        string? InFolder(string? file) => file is null ? null : Path.Combine(_folder, file);
    }
}

/// <summary>A row.</summary>
/// <param name="Number">Its number, from 0.</param>
/// <param name="Id">Its value of the column <c>id</c>, or null.</param>
/// <param name="Stems">The names of its images, without folder and extension.</param>
internal sealed record EvaluationRow(long Number, string? Id, IReadOnlyList<string> Stems)
{
    /// <summary>Parses its settings; throws <see cref="RowException"/> if one is wrong.</summary>
    public required Func<RowRequest> Parse { get; init; }

    /// <summary>The file of its keypoints, or null.</summary>
    public string? Keypoints { get; init; }

    /// <summary>The file of its real image, or null.</summary>
    public string? Real { get; init; }
}
