using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace ControlNet.ML.Weights.Graphs;

/// <summary>
/// A control network that is built into the UNet's graph of a model, named by the model's folder, <c>#</c> and its number from 1:
/// <c>models/merged#2</c>.
/// </summary>
/// <param name="Folder">The model's folder.</param>
/// <param name="Number">The network's number, from 1, in the order of the graph's images.</param>
internal sealed record BuiltInControl(string Folder, int Number)
{
    /// <summary>Reads a name.</summary>
    /// <param name="name">A name or path.</param>
    /// <param name="control">The network.</param>
    /// <returns>False if the name is a file or folder, or has no number, or no folder before it.</returns>
    public static bool TryParse(string name, [NotNullWhen(true)] out BuiltInControl? control)
    {
        control = null;
        var mark = name.LastIndexOf('#');
        if (mark <= 0 || Path.Exists(name) || !Directory.Exists(name[..mark])
            || !int.TryParse(name.AsSpan(mark + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number < 1)
            return false;
        control = new BuiltInControl(name[..mark], number);
        return true;
    }
}
