using System.Text;
using System.Text.Json;
using ControlNet.ML.Configuration;
using Parquet.Schema;

namespace ControlNet.ML.Cli.Tables;

/// <summary>
/// A file with a JSON object per line. Its columns are all names that occur, in the order in which they first do; a row without a name has
/// no value there. A line that is not an object fails only its row.
/// </summary>
internal sealed class JsonLinesTable : TableReader
{
    /// <summary>Far more than any table has, so that a file with other names in each line does not exhaust the memory.</summary>
    private const int MostColumns = 10_000;

    private readonly Encoding? _encoding;
    private readonly TableColumn[] _columns;
    private readonly long _rows;

    /// <summary>Reads the file once, for its columns and their types.</summary>
    /// <param name="path">The file.</param>
    /// <param name="encoding">The text's encoding; null for UTF-8.</param>
    /// <param name="cancellationToken">Checked now and then.</param>
    /// <exception cref="ControlNetException">It cannot be read, or no line is an object.</exception>
    public JsonLinesTable(string path, Encoding? encoding, CancellationToken cancellationToken)
        : base(path)
    {
        _encoding = encoding;
        Dictionary<string, JsonColumnType> types = [];
        List<string> names = [];
        string? problem = null;
        var isRead = false;
        foreach (var (row, why) in Rows())
        {
            if (_rows++ % 4096 == 0)
                cancellationToken.ThrowIfCancellationRequested();
            problem ??= why;
            if (row is not { } read)
                continue;
            isRead = true;
            foreach (var property in read.EnumerateObject())
            {
                if (!types.TryGetValue(property.Name, out var type))
                {
                    if (names.Count == MostColumns)
                        throw new ControlNetException($"{path}: has more than {MostColumns:N0} columns, expected at most that many.");
                    names.Add(property.Name);
                    types[property.Name] = type = new JsonColumnType();
                }

                type.Add(property.Value);
            }
        }

        if (!isRead)
            throw new ControlNetException($"{path}: {problem ?? "has no rows"}; expected a JSON object per line.");
        _columns = [.. names.Where(name => !types[name].IsNested).Select(name => new TableColumn(name, types[name].Type))];
        Unreadable = [
            .. names.Where(name => types[name].IsNested).Select(name => new UnreadableColumn(name, "holds lists or structures"))];
    }

    public override IReadOnlyList<TableColumn> Columns => _columns;

    public override IReadOnlyList<UnreadableColumn> Unreadable { get; }

    public override DataField Field(int column) => new(_columns[column].Name, _columns[column].Type, isNullable: true);

    public override long CountRows(CancellationToken cancellationToken) => _rows;

    public override IEnumerable<TableRow> Read(IReadOnlyList<int> columns)
    {
        var number = 0L;
        foreach (var (row, problem) in Rows())
        {
            yield return new TableRow(
                number++,
                [.. columns.Select(column => row is { } read && read.TryGetProperty(_columns[column].Name, out var value)
                    ? JsonColumnType.Value(value, _columns[column].Type)
                    : null)],
                problem);
        }
    }

    /// <summary>The objects of all lines that are not blank; or why a line is none.</summary>
    private IEnumerable<(JsonElement? Row, string? Problem)> Rows()
    {
        var line = 0L;
        foreach (var text in RegularFile.Lines(Path, Path, CsvRows.LongestRow, _encoding))
        {
            line++;
            if (!string.IsNullOrWhiteSpace(text))
                yield return Parse(text, $"line {line}");
        }
    }

    private static (JsonElement? Row, string? Problem) Parse(string text, string where)
    {
        try
        {
            return (JsonText.ParseObject(Encoding.UTF8.GetBytes(text), where), null);
        }
        catch (ControlNetException e)
        {
            return (null, e.Message.TrimEnd('.'));
        }
    }
}
