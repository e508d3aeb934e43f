using System.Globalization;
using System.Text;
using ControlNet.ML.Cli.Tables;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>Splits a table's columns into settings of the images and columns that are only carried through.</summary>
internal sealed class ColumnPlan
{
    private static readonly string[] OfImage = [.. ScoreColumns.OfImage.Select(column => column.Name)];
    private static readonly string[] OfControl = [.. ScoreColumns.OfControl.Select(column => column.Name)];

    private readonly TableReader _table;
    private readonly Dictionary<string, int> _positions = [];

    /// <summary>Sorts the columns.</summary>
    /// <param name="table">The table.</param>
    /// <param name="networks">Number of control networks that are named; 0 takes as many as the table has conditions for.</param>
    /// <exception cref="ControlNetException">
    /// A column belongs to a network that does not exist, or has the name of a result column.
    /// </exception>
    /// <exception cref="UsageException">Networks are named, and the table has no conditions.</exception>
    public ColumnPlan(TableReader table, int networks)
    {
        _table = table;
        var names = table.Columns.Select(column => column.Name).ToArray();
        var sources = names.Select(Numbered).Where(name => name?.Base is "photo" or "condition").ToArray();
        Networks = networks > 0 ? networks : sources.Select(source => source?.Number ?? 1).DefaultIfEmpty(0).Max();
        HasPhotos = sources.Any(source => source?.Base == "photo");
        HasConditions = sources.Length > 0;
        InputRules.CheckControls(networks, HasConditions, $"a column 'photo' or 'condition' in {table.Path}");

        if (table.Unreadable.FirstOrDefault(IsNeeded) is { } needed)
            throw new ControlNetException(
                $"{table.Path}: the column {Message.Name(needed.Name)} {needed.Why}, expected one text or number per row.");
        List<int> known = [], carried = [];
        for (var i = 0; i < names.Length; i++)
        {
            if (IsKnown(names[i], table.Path))
            {
                _positions[names[i]] = known.Count;
                known.Add(i);
            }
            else
            {
                carried.Add(i);
            }
        }

        var others = carried.Select(i => names[i]).Concat(table.Unreadable.Select(column => column.Name));
        if (others.Intersect(ResultColumns.Own).FirstOrDefault() is { } taken)
            throw new ControlNetException($"{table.Path}: the column '{taken}' has the name of a column of the results: rename it.");
        (Known, Carried) = (known, carried);

        bool IsNeeded(UnreadableColumn column) => IsKnown(column.Name, table.Path) || Numbered(column.Name)?.Base is "photo" or "condition";
    }

    /// <summary>Number of control networks.</summary>
    public int Networks { get; }

    /// <summary>Whether some conditions are made from photos.</summary>
    public bool HasPhotos { get; }

    /// <summary>Whether the table has conditions.</summary>
    public bool HasConditions { get; }

    /// <summary>Whether the table has this settings column.</summary>
    public bool Has(string column) => _positions.ContainsKey(column);

    /// <summary>The columns with settings of the images.</summary>
    public IReadOnlyList<int> Known { get; }

    /// <summary>The columns that are only carried through.</summary>
    public IReadOnlyList<int> Carried { get; }

    /// <summary>The columns that the results copy, in their order: all except those of which the results have their own.</summary>
    public IReadOnlyList<int> Copied => [
        .. Enumerable.Range(0, _table.Columns.Count).Where(i => !ResultColumns.Effective.Contains(_table.Columns[i].Name))];

    /// <summary>Warnings about the columns: names that look mistyped, and values that are not carried through.</summary>
    public IEnumerable<string> Remarks()
    {
        foreach (var column in _table.Unreadable)
            yield return $"the column {Message.Name(column.Name)} {column.Why}: it is not carried through.";
        foreach (var remark in _table.Remarks)
            yield return remark;
        if (Known.Count == 0)
        {
            var found = Message.List([.. Carried.Select(i => Message.Name(_table.Columns[i].Name))]);
            yield return $"no column has settings of the images, which differ only in their seeds: found {found}.";
        }

        foreach (var name in Carried.Select(i => _table.Columns[i].Name))
        {
            if (Networks == 0 && Numbered(name) is not null)
            {
                yield return $"the column {Message.Name(name)} is for control networks, but no column 'photo' or 'condition' gives one "
                    + $"its condition: "
                    + "it is only carried through.";
            }
            else if (Meant(name) is { } meant && !_positions.ContainsKey(meant))
            {
                yield return $"the column {Message.Name(name)} is only carried through. Did you mean '{meant}'?";
            }
        }
    }

    /// <summary>The text in a row that was read with <see cref="Known"/>; null if the column or the value is missing.</summary>
    public string? Text(TableRow row, string column)
    {
        if (!_positions.TryGetValue(column, out var position) || row.Values[position] is not { } value)
            return null;
        return value is byte[] text ? Encoding.UTF8.GetString(text) : ResultColumns.Text(value);
    }

    /// <summary>The same for a control network, from 0: its own column, or the one for all networks.</summary>
    public (string Column, string Text)? Text(TableRow row, string column, int network)
    {
        var own = $"{column}{(network + 1).ToString(CultureInfo.InvariantCulture)}";
        if (Text(row, own) is { } text)
            return (own, text);
        return Text(row, column) is { } common ? (column, common) : null;
    }

    private bool IsKnown(string name, string path)
    {
        if (OfImage.Contains(name))
            return true;
        if (Numbered(name) is not { } column || Networks == 0)
            return false;
        return column.Number is null || (column.Number >= 1 && column.Number <= Networks)
            ? true
            : throw new ControlNetException(
                $"{path}: the column '{name}' is for control network {column.Number}, expected "
                    + $"1{(Networks == 1 ? "" : $" to {Networks}")}.");
    }

    private static (string Base, int? Number)? Numbered(string name)
    {
        var word = name.TrimEnd('0', '1', '2', '3', '4', '5', '6', '7', '8', '9');
        if (!OfControl.Contains(word))
            return null;
        if (word.Length == name.Length)
            return (word, null);
        return int.TryParse(name.AsSpan(word.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && name[word.Length] != '0'
            ? (word, number)
            : null;
    }

    /// <summary>
    /// The known name that a column's name is a typo of, or null. In short words only one typo counts, since many words are close to them.
    /// </summary>
    private static string? Meant(string name)
    {
        var plain = name.Trim().Replace(' ', '_').Replace('-', '_');
        var number = plain.Length - plain.TrimEnd('0', '1', '2', '3', '4', '5', '6', '7', '8', '9').Length;
        var word = plain[..^number];
        return NearestName.Suggest(word, number == 0 ? OfImage.Concat(OfControl) : OfControl) is { } near
            && NearestName.Distance(word, near) <= Math.Max(1, near.Length / 4)
            ? near + plain[^number..]
            : null;
    }
}
