using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>
/// JSON as Python writes it, with bare NaN, Infinity and -Infinity, which JSON does not allow. In memory they are the strings <c>"NaN"</c>,
/// <c>"Infinity"</c> and <c>"-Infinity"</c>; writing makes them bare again.
/// </summary>
internal static class PythonJson
{
    private static readonly string[] Words = ["-Infinity", "Infinity", "NaN"];

    /// <summary>Parses an object, with the strict rules of <see cref="JsonText"/>.</summary>
    /// <param name="json">The bytes.</param>
    /// <param name="source">The file's name for messages.</param>
    /// <exception cref="ControlNetException">It is not a valid JSON object.</exception>
    public static JsonElement ParseObject(ReadOnlySpan<byte> json, string source) => JsonText.ParseObject(Quoted(json), source);

    /// <summary>A value as <c>json.dumps(indent=2)</c> writes it inside an object.</summary>
    public static string Format(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String when Words.Contains(value.GetString()) => value.GetString()!,
        JsonValueKind.Array when value.GetArrayLength() > 0 =>
            $"[\n    {string.Join(",\n    ", value.EnumerateArray().Select(Format))}\n  ]",
        _ => value.GetRawText(),
    };

    /// <summary>The JSON element of a value that a program sets: null, a boolean, a number, a list of numbers or a string.</summary>
    public static JsonElement Of(object? value) => JsonText.Parse(Quoted(Encoding.UTF8.GetBytes(value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        double number => Format(number),
        IEnumerable<double> numbers => $"[{string.Join(", ", numbers.Select(Format))}]",
        string word => Quote(word),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    })), "(value)", "JSON");

    /// <summary>A string as a JSON literal.</summary>
    public static string Quote(string text) => $"\"{JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    // As Python's repr: 1.0 keeps its decimal point, 1e-05 has a lower-case e.
    private static string Format(double value)
    {
        if (!double.IsFinite(value))
            return double.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
        var text = value.ToString("R", CultureInfo.InvariantCulture).Replace('E', 'e');
        return text.AsSpan().ContainsAny('.', 'e') ? text : text + ".0";
    }

    private static byte[] Quoted(ReadOnlySpan<byte> json)
    {
        using var result = new MemoryStream(json.Length + 16);
        var inString = false;
        for (var i = 0; i < json.Length; i++)
        {
            var b = json[i];
            if (inString && b == '\\' && i + 1 < json.Length)
            {
                result.WriteByte(b);
                result.WriteByte(json[++i]);
                continue;
            }

            if (b == '"')
                inString = !inString;
            if (!inString && b is (byte)'-' or (byte)'I' or (byte)'N' && WordAt(json[i..]) is { } word)
            {
                result.Write(Encoding.ASCII.GetBytes($"\"{word}\""));
                i += word.Length - 1;
                continue;
            }

            result.WriteByte(b);
        }

        return result.ToArray();
    }

    private static string? WordAt(ReadOnlySpan<byte> json)
    {
        foreach (var word in Words)
        {
            if (json.Length >= word.Length && Encoding.ASCII.GetString(json[..word.Length]) == word)
                return word;
        }

        return null;
    }
}
