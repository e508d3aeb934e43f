using System.Text.Json;

namespace ControlNet.ML.Cli.Tables;

/// <summary>
/// The type of a column in JSON lines, which follows from its values: numbers stay numbers if all of them fit one type exactly, truth
/// values stay truth values, and the rest is text.
/// </summary>
internal sealed class JsonColumnType
{
    /// <summary>Up to here, every integer is a double.</summary>
    private const long LargestExact = 1L << 53;

    private bool _text;
    private bool _truth;
    private bool _fraction;
    private bool _negative;
    private bool _large;
    private bool _huge;

    /// <summary>Whether a value is a list or a structure.</summary>
    public bool IsNested { get; private set; }

    /// <summary>The type of the values seen so far.</summary>
    public Type Type =>
        _text || (_truth && (_fraction || IsWhole)) || (_fraction && _large) || (_huge && _negative) ? typeof(string)
        : _truth ? typeof(bool)
        : _fraction ? typeof(double)
        : _huge ? typeof(ulong)
        : IsWhole ? typeof(long)
        : typeof(string);

    private bool IsWhole { get; set; }

    /// <summary>Takes a value into account.</summary>
    public void Add(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Null:
                break;
            case JsonValueKind.True or JsonValueKind.False:
                _truth = true;
                break;
            case JsonValueKind.Object or JsonValueKind.Array:
                IsNested = true;
                break;
            case JsonValueKind.Number when value.TryGetInt64(out var number):
                (IsWhole, _negative) = (true, _negative || number < 0);
                _large |= number is > LargestExact or < -LargestExact;
                break;
            case JsonValueKind.Number when value.TryGetUInt64(out _):
                (IsWhole, _huge, _large) = (true, true, true);
                break;
            case JsonValueKind.Number when value.TryGetDouble(out var number) && double.IsFinite(number):
                _fraction = true;
                break;
            default:
                _text = true;
                break;
        }
    }

    /// <summary>A value as its column's type; null for null. Numbers in a column of text keep their digits.</summary>
    public static object? Value(JsonElement value, Type type) => value.ValueKind switch
    {
        JsonValueKind.Null => null,
        JsonValueKind.String => value.GetString(),
        _ when type == typeof(bool) => value.GetBoolean(),
        _ when type == typeof(long) => value.GetInt64(),
        _ when type == typeof(ulong) => value.GetUInt64(),
        _ when type == typeof(double) => value.GetDouble(),
        _ => value.GetRawText(),
    };
}
