using System.Globalization;
using System.Text;
using ControlNet.ML.Cli.Tables;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>Which columns of a table say how an image is made, and which are only carried through.</summary>
internal sealed class ColumnPlan
{
    private static readonly string[] OfImage = ["prompt", "negative_prompt", "seed", "guidance", "steps", "width", "height", "image", "strength", "mask", "depth"];

    // Without a number for all networks, with one (from 1) for one of them.
    private static readonly string[] OfControl = ["photo", "condition", "scale", "start", "end", "mode"];

    private readonly TableReader _table;
    private readonly Dictionary<string, int> _positions = [];

    /// <summary>Sorts the columns.</summary>
    /// <param name="table">The table.</param>
    /// <param name="networks">How many control networks are named; 0 takes as many as the table has conditions for.</param>
    /// <exception cref="ControlNetException">A column is of a network that is not there, or has the name of a result.</exception>
    public ColumnPlan(TableReader table, int networks)
    {
        _table = table;
        var names = table.Columns.Select(column => column.Name).ToArray();
        var sources = names.Select(Numbered).Where(name => name?.Base is "photo" or "condition").ToArray();
        Networks = networks > 0 ? networks : sources.Select(source => source?.Number ?? 1).DefaultIfEmpty(0).Max();
        HasPhotos = sources.Any(source => source?.Base == "photo");
        HasConditions = sources.Length > 0;
        if (networks > 0 && !HasConditions)
            throw new UsageException($"--control needs a column 'photo' or 'condition', and {table.Path} has none.");

        if (table.Unreadable.FirstOrDefault(column => IsKnown(column.Name, table.Path) || Numbered(column.Name)?.Base is "photo" or "condition") is { } needed)
            throw new ControlNetException($"{table.Path}: the column {Message.Name(needed.Name)} {needed.Why}, expected a single text or number in each row.");
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

        if (carried.Select(i => names[i]).Concat(table.Unreadable.Select(column => column.Name)).Intersect(ResultColumns.Own).FirstOrDefault() is { } taken)
            throw new ControlNetException($"{table.Path}: the column '{taken}' has the name of a column of the results: give it another name.");
        (Known, Carried) = (known, carried);
    }

    /// <summary>How many control networks there are.</summary>
    public int Networks { get; }

    /// <summary>Whether some conditions are made of photos.</summary>
    public bool HasPhotos { get; }

    /// <summary>Whether there are conditions at all.</summary>
    public bool HasConditions { get; }

    /// <summary>Whether the table has a column that says how images are made.</summary>
    public bool Has(string column) => _positions.ContainsKey(column);

    /// <summary>The columns that say how images are made.</summary>
    public IReadOnlyList<int> Known { get; }

    /// <summary>The others.</summary>
    public IReadOnlyList<int> Carried { get; }

    /// <summary>What the user may want to know of the columns: names that look mistyped, and values that are not carried.</summary>
    public IEnumerable<string> Remarks()
    {
        foreach (var column in _table.Unreadable)
            yield return $"the column {Message.Name(column.Name)} {column.Why}: it is not carried through.";
        foreach (var remark in _table.Remarks)
            yield return remark;
        if (Known.Count == 0)
            yield return $"no column says anything of the images, which differ by their seeds only: there {(Carried.Count == 1 ? "is" : "are")} {Message.List([.. Carried.Select(i => Message.Name(_table.Columns[i].Name))])}.";
        foreach (var name in Carried.Select(i => _table.Columns[i].Name))
        {
            if (Networks == 0 && Numbered(name) is not null)
                yield return $"the column {Message.Name(name)} is about control networks, and there is none: it is carried through and does nothing. A column 'photo' or 'condition' says what a network follows.";
            else if (Meant(name) is { } meant && !_positions.ContainsKey(meant))
                yield return $"the column {Message.Name(name)} is carried through and does nothing. Did you mean '{meant}'?";
        }
    }

    /// <summary>The text of a row that was read with <see cref="Known"/>; null if there is no such column or no value.</summary>
    public string? Text(TableRow row, string column) =>
        _positions.TryGetValue(column, out var position) && row.Values[position] is { } value ? value is byte[] text ? Encoding.UTF8.GetString(text) : ResultColumns.Text(value) : null;

    /// <summary>The same of a control network, from 0: its own column, or the one of all.</summary>
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
            : throw new ControlNetException($"{path}: the column '{name}' is of control network {column.Number}, and there {(Networks == 1 ? "is 1" : $"are {Networks}")}.");
    }

    private static (string Base, int? Number)? Numbered(string name)
    {
        var word = name.TrimEnd('0', '1', '2', '3', '4', '5', '6', '7', '8', '9');
        if (!OfControl.Contains(word))
            return null;
        if (word.Length == name.Length)
            return (word, null);
        return int.TryParse(name.AsSpan(word.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && name[word.Length] != '0' ? (word, number) : null;
    }

    /// <summary>The known name that a column's is a slip of, or null. Short words are near to many others, so one slip is enough there.</summary>
    private static string? Meant(string name)
    {
        var plain = name.Trim().Replace(' ', '_').Replace('-', '_');
        var number = plain.Length - plain.TrimEnd('0', '1', '2', '3', '4', '5', '6', '7', '8', '9').Length;
        var word = plain[..^number];
        return NearestName.Suggest(word, number == 0 ? OfImage.Concat(OfControl) : OfControl) is { } near && NearestName.Distance(word, near) <= Math.Max(1, near.Length / 4)
            ? near + plain[^number..]
            : null;
    }
}
