using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ControlNet.ML.Fuzz;

/// <summary>Changes JSON as such: a value becomes one of another kind or an extreme one, goes, comes twice, or lies deeper.</summary>
internal static class JsonMutator
{
    /// <summary>Stands for what a tree of values cannot hold until it is text.</summary>
    private const string Placeholder = "@@here@@";

    private static readonly string[] Values =
    [
        "null", "true", "false", "0", "-1", "1", "1.0", "0.5", "1e999", "-1e999", "1e-400", "2147483648", "9223372036854775808", "1e30", "NaN", "-Infinity",
        "\"\"", "\"x\"", "\"1\"", "\"\\ud800\"", "\"\\udc00x\"", "\"\\ud83d\\ude00\"", "\"\\u0000\"", "\"\\u001b[2J\"", "\"\\u202e\"", "\"../../x\"", "\"/dev/zero\"", "[]", "{}", "[[]]", "[null]", "[1, \"x\", null]",
        "{\"\\ud800\": 1}", "{\"\": null}", "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17]", "[0, 0]", "[1e308, 1e308]",
    ];

    /// <summary>One change; input that is no JSON stays as it is.</summary>
    public static byte[] Change(byte[] input, Random random)
    {
        JsonNode? root;
        try
        {
            root = JsonNode.Parse(input);
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException)
        {
            return input;
        }

        try
        {
            List<JsonNode> places = [];
            Collect(root, places);
            return places.Count == 0 ? Encoding.UTF8.GetBytes(Value(random)) : Change(root!, places[random.Next(places.Count)], random);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            // Half of a surrogate pair or a name twice, from a change before this one.
            return input;
        }
    }

    private static byte[] Change(JsonNode root, JsonNode holder, Random random)
    {
        switch (holder)
        {
            case JsonObject members when members.Count > 0:
                var key = members.ElementAt(random.Next(members.Count)).Key;
                switch (random.Next(5))
                {
                    case 0:
                        members.Remove(key);
                        break;
                    case 1:
                        members[key + "_"] = members[key]?.DeepClone();
                        members.Remove(key);
                        break;
                    case 2:
                        return Text(root).Replace($"\"{key}\"", $"\"{key}\": {Value(random)}, \"{key}\"", StringComparison.Ordinal) is var twice ? Encoding.UTF8.GetBytes(twice) : [];
                    default:
                        members[key] = Placeholder;
                        break;
                }

                break;
            case JsonArray items when items.Count > 0:
                var index = random.Next(items.Count);
                switch (random.Next(4))
                {
                    case 0:
                        items.RemoveAt(index);
                        break;
                    case 1:
                        items.Insert(index, items[index]?.DeepClone());
                        break;
                    default:
                        items[index] = Placeholder;
                        break;
                }

                break;
            case JsonArray items:
                items.Add(Placeholder);
                break;
            case JsonObject members:
                members["x"] = Placeholder;
                break;
        }

        return Encoding.UTF8.GetBytes(Text(root).Replace($"\"{Placeholder}\"", Value(random), StringComparison.Ordinal));
    }

    private static string Text(JsonNode root) => root.ToJsonString(new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    private static string Value(Random random) => random.Next(40) == 0
        ? string.Concat(Enumerable.Repeat("[", 200)) + string.Concat(Enumerable.Repeat("]", 200))
        : Values[random.Next(Values.Length)];

    private static void Collect(JsonNode? node, List<JsonNode> places)
    {
        if (node is JsonObject members)
        {
            places.Add(node);
            foreach (var (_, value) in members)
                Collect(value, places);
        }
        else if (node is JsonArray items)
        {
            places.Add(node);
            foreach (var item in items)
                Collect(item, places);
        }
    }
}
