using System.Globalization;
using System.Text.Json;

namespace ControlNet.ML.Conditions;

/// <summary>
/// The ids in COCO files: integers by specification, strings in the files of many programs, and sometimes both in one file.
/// </summary>
internal static class CocoId
{
    /// <summary>An id as text, the same for <c>1</c>, <c>1.0</c> and <c>"1"</c>; null for a value that is not an id.</summary>
    public static string? Of(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Number when value.TryGetInt64(out var whole) => Of(whole),
        JsonValueKind.Number when value.TryGetDouble(out var number) && double.IsInteger(number) && Math.Abs(number) < 1L << 53 =>
            Of((long)number),
        _ => null,
    };

    /// <summary>The id of a number.</summary>
    public static string Of(long id) => id.ToString(CultureInfo.InvariantCulture);
}
