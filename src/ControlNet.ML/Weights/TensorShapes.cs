using System.Globalization;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Weights;

/// <summary>The shapes of a network's tensors, from which its configuration is inferred. They are a file's, so none is trusted.</summary>
/// <param name="shapes">The tensors, without prefix.</param>
/// <param name="source">The file's name for messages.</param>
internal abstract class TensorShapes(IReadOnlyDictionary<string, long[]> shapes, string source)
{
    /// <summary>The file's name for messages.</summary>
    protected string Source => source;

    /// <summary>What the network is called in messages: <c>control network</c>.</summary>
    protected abstract string Kind { get; }

    /// <summary>How a configuration can be given.</summary>
    protected virtual string Advice => "give a model folder of the same architecture as its configuration (--config)";

    /// <summary>The configuration, if it is a possible one.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="check">Throws if it is none; receives the file's name.</param>
    /// <exception cref="ControlNetException">It is none.</exception>
    protected T Checked<T>(T config, Action<string> check)
    {
        try
        {
            check(source);
            return config;
        }
        catch (ControlNetException error)
        {
            throw Unknown(error.Message.Replace(source + ": ", "", StringComparison.Ordinal));
        }
    }

    /// <summary>Whether there is a tensor of a name.</summary>
    protected bool Has(string name) => shapes.ContainsKey(name);

    /// <summary>The number of consecutive indices, from 0, whose names exist.</summary>
    protected int Count(Func<int, string> name)
    {
        var count = 0;
        while (Has(name(count)))
            count++;
        return count;
    }

    /// <summary>The number of a tensor's dimensions.</summary>
    protected int Rank(string name) =>
        shapes.TryGetValue(name, out var shape) ? shape.Length : throw Unknown($"it has no {Message.Name(name)}");

    /// <summary>One of a tensor's sizes, which must be possible.</summary>
    protected int Size(string name, int dimension, int rank, int most = ConfigRules.MostChannels) =>
        Rank(name) == rank && shapes[name][dimension] is > 0 and var size && size <= most
            ? (int)size
            : throw Unknown($"{Message.Name(name)} is {Message.Shape(shapes[name])}");

    /// <summary>A text with numbers.</summary>
    protected static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>Why there is no configuration.</summary>
    protected ControlNetException Unknown(string why) => new(
        $"{source}: the configuration of this {Kind} cannot be inferred from its tensors ({why.TrimEnd('.')}); {Advice}.");
}
