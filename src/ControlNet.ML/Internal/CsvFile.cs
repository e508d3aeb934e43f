using System.Text;

namespace ControlNet.ML.Internal;

/// <summary>A CSV or TSV file. The first line has the column names; fields may be quoted.</summary>
internal sealed class CsvFile
{
    private readonly string _path;
    private readonly string _name;
    private readonly Encoding? _encoding;
    private readonly char _separator;
    private readonly int[] _places;
    private readonly int _width;

    /// <summary>Reads the column names.</summary>
    /// <param name="path">The file.</param>
    /// <param name="name">Its name in messages.</param>
    /// <param name="separator">The separator of fields; null takes the first comma, semicolon or tab in the first line.</param>
    /// <param name="encoding">The text's encoding; null for UTF-8.</param>
    /// <exception cref="ControlNetException">It cannot be read, is empty, or a column's name is damaged or occurs twice.</exception>
    public CsvFile(string path, string name, char? separator, Encoding? encoding)
    {
        (_path, _name, _encoding) = (path, name, encoding);
        _separator = separator ?? Separator();
        var (header, problem) = Fields().FirstOrDefault();
        if (header is null)
            throw new ControlNetException($"{name} is empty, expected a first line with the names of the columns.");
        if (problem is not null)
            throw new ControlNetException($"{name}: in the first line, {problem}.");

        // If a cell far to the right was ever used, spreadsheets end each line in separators: several unnamed columns, which cannot be told
        // apart.
        _width = header.Length;
        var unnamed = header.Count(string.IsNullOrWhiteSpace);
        _places = [.. Enumerable.Range(0, _width).Where(place => unnamed < 2 || !string.IsNullOrWhiteSpace(header[place]))];
        Names = [.. _places.Select(place => header[place].Trim())];
        Unnamed = unnamed < 2 ? 0 : unnamed;
        RequireDistinct(name, Names);
        if (Names.FirstOrDefault(column => column.Contains('\0', StringComparison.Ordinal)) is { } broken)
        {
            throw new ControlNetException(
                $"{name}: the column name {Message.Name(broken)} has null characters. Is the file UTF-16? Then use --encoding "
                    + $"utf-16.");
        }
    }

    /// <summary>The names of the columns.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The number of columns that are left out, since they have no name; 0 or at least 2.</summary>
    public int Unnamed { get; }

    /// <summary>Throws if two columns have the same name.</summary>
    /// <param name="file">The file's name, for the message.</param>
    /// <param name="names">The names.</param>
    public static void RequireDistinct(string file, IEnumerable<string> names)
    {
        if (names.GroupBy(name => name).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw new ControlNetException($"{file}: the column {Message.Name(twice.Key)} occurs {twice.Count()} times, expected once.");
    }

    /// <summary>The rows that are not blank: a value for each of some columns, null for an empty field, and the row's problem.</summary>
    /// <param name="columns">Indices in <see cref="Names"/>.</param>
    public IEnumerable<(string?[] Values, string? Problem)> Rows(IReadOnlyList<int> columns)
    {
        foreach (var (fields, quotes) in Fields().Skip(1))
        {
            var count = fields.Length == 1 ? "1 field" : $"{fields.Length} fields";
            var problem = quotes ?? (fields.Length == _width ? null : $"it has {count}, expected {_width} as in the first line");
            var values = columns.Select(column => _places[column])
                .Select(place => place < fields.Length && fields[place].Length > 0 ? fields[place] : null);
            yield return ([.. values], problem);
        }
    }

    /// <summary>The rows that are not blank, with the first line, and the problem with the quotes of each.</summary>
    private IEnumerable<(string[] Fields, string? Problem)> Fields()
    {
        using var text = Open();
        var rows = new CsvRows(text, _separator);
        for (var row = 0L; Guarded(text, row, rows.Next) is { } fields;)
        {
            if (rows.IsBlank && _width != 1)
                continue;
            row++;
            yield return (fields, rows.Problem);
        }
    }

    private T Guarded<T>(EncodedText text, long row, Func<T> read)
    {
        var where = row == 0 ? "the first line" : $"row {row - 1}";
        try
        {
            return read();
        }
        catch (DecoderFallbackException e)
        {
            throw new ControlNetException($"{_name}: {where} {text.Problem(e)}", e);
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw new ControlNetException($"{_name}: {where} cannot be read: {e.Message}", e);
        }
    }

    private EncodedText Open() => new(RegularFile.Open(_path, _name, bufferSize: 1), _encoding);

    private char Separator()
    {
        using var text = Open();
        var one = new char[1];
        var quoted = false;
        for (var first = true; Guarded(text, 0, () => text.Read(one)) > 0 && (quoted || one[0] is not ('\r' or '\n')); first = false)
        {
            if (one[0] == '"' && (first || quoted))
                quoted = !quoted;
            else if (!quoted && one[0] is ',' or ';' or '\t')
                return one[0];
        }

        return ',';
    }
}
