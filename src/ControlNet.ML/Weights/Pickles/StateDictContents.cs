using System.Globalization;

namespace ControlNet.ML.Weights.Pickles;

/// <summary>
/// The tensors of an unpickled checkpoint, by name. A state dict inside, under <c>state_dict</c>, is followed; tensors of dictionaries
/// within have the names of both, joined by a dot. What is no tensor is left out.
/// </summary>
internal sealed class StateDictContents
{
    private const int DeepestStateDict = 16;
    private const int DeepestName = 4;
    private const int MostTensors = 1_000_000;

    private readonly string _file;
    private int _visited;

    /// <param name="value">The unpickled value.</param>
    /// <param name="file">The file's name in messages.</param>
    /// <exception cref="ControlNetException">It is not a dictionary of tensors.</exception>
    public StateDictContents(object? value, string file)
    {
        _file = file;
        var root = value as PickleDict ?? throw Bad($"contains {Kind(value)}, expected a dictionary of tensors (a state dict)");
        foreach (var name in root.Names)
        {
            if (Text(root.Named[name]) is { } text)
                Texts[name] = text;
        }

        var dict = root;
        for (var depth = 0; dict.Named.GetValueOrDefault("state_dict") is PickleDict inner; depth++)
            dict = depth < DeepestStateDict ? inner : throw Bad("contains a 'state_dict' in itself");
        if (dict.HasOtherKeys)
            throw Bad("has keys that are no strings, expected the names of tensors");
        Collect(dict, "", 0);
        if (Tensors.Count == 0)
            throw Bad("contains no tensors, expected a state dict");
    }

    /// <summary>The tensors by name.</summary>
    public Dictionary<string, PickleTensor> Tensors { get; } = [];

    /// <summary>The texts and numbers of the outermost dictionary.</summary>
    public Dictionary<string, string> Texts { get; } = [];

    private void Collect(PickleDict dict, string prefix, int depth)
    {
        foreach (var name in dict.Names)
        {
            // Dictionaries may contain each other many times over.
            if (++_visited > MostTensors)
                throw Bad($"has more than {MostTensors:N0} names, expected a state dict");
            var full = prefix + name;
            switch (dict.Named[name])
            {
                case PickleTensor tensor when !Tensors.TryAdd(full, tensor):
                    throw Bad($"contains {Message.Name(full)} twice");
                case PickleDict inner when depth < DeepestName:
                    Collect(inner, full + ".", depth + 1);
                    break;
                case PickleModule { Parameters: { } parameters } when depth < DeepestName:
                    Collect(parameters, full + ".", depth + 1);
                    break;
            }
        }
    }

    private static string? Text(object? value) => value switch
    {
        string text => text,
        bool truth => truth ? "true" : "false",
        long number => number.ToString(CultureInfo.InvariantCulture),
        double number => number.ToString(CultureInfo.InvariantCulture),
        _ => null,
    };

    private static string Kind(object? value) => value switch
    {
        PickleTensor => "a single tensor",
        PickleList => "a list",
        object?[] => "a tuple",
        null => "nothing",
        _ => "something else",
    };

    private ControlNetException Bad(string what) => new($"{_file}: {what}.");
}
