namespace ControlNet.ML.Weights;

/// <summary>
/// Matches the weights that a network needs with those of a source: strictly, and reporting all differences in one message.
/// </summary>
public static class WeightLoader
{
    /// <summary>Finds each expected tensor in the source.</summary>
    /// <param name="source">The weights.</param>
    /// <param name="expected">The network's names and shapes.</param>
    /// <returns>The tensors in the order of <paramref name="expected"/>.</returns>
    /// <exception cref="ControlNetException">Tensors are missing, unexpected, of another shape or not floating-point.</exception>
    public static IReadOnlyList<WeightTensor> Match(WeightSource source, IEnumerable<(string Name, long[] Shape)> expected)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(expected);
        var plan = new List<WeightTensor>();
        var known = new HashSet<string>();
        List<string> missing = [], wrong = [];
        foreach (var (name, shape) in expected)
        {
            known.Add(name);
            if (!source.Tensors.TryGetValue(name, out var tensor))
                missing.Add(Message.Name(name));
            else if (!tensor.Shape.AsSpan().SequenceEqual(shape))
                wrong.Add($"{Message.Name(tensor.Key)} is {Message.Shape(tensor.Shape)}, expected {Message.Shape(shape)}");
            else if (!tensor.Type.IsFloatingPoint())
                wrong.Add($"{Message.Name(tensor.Key)} is {tensor.Type.FormatName()}, expected floating-point numbers");
            else
                plan.Add(tensor);
        }

        var unexpected = source.Tensors.Values.Where(tensor => !known.Contains(tensor.Name))
            .Select(tensor => Message.Name(tensor.Key)).Order(StringComparer.Ordinal).ToList();
        return missing.Count + wrong.Count + unexpected.Count == 0 ? plan : throw Mismatch(source, wrong, missing, unexpected);
    }

    /// <summary>Finds each tensor of a network's layout in the source.</summary>
    /// <param name="source">The weights.</param>
    /// <param name="map">The network's names and shapes.</param>
    /// <returns>The tensors in the order of diffusers' state dict.</returns>
    /// <exception cref="ControlNetException">Tensors are missing, unexpected, of another shape or not floating-point.</exception>
    public static IReadOnlyList<WeightTensor> Match(WeightSource source, KeyMap map)
    {
        ArgumentNullException.ThrowIfNull(map);
        return Match(source, map.Tensors.Select(tensor => (tensor.Name, tensor.Shape)));
    }

    private static ControlNetException Mismatch(WeightSource source, List<string> wrong, List<string> missing, List<string> unexpected)
    {
        // Some parts of a file of another kind may fit by chance: what it is, is the better answer than what differs.
        var kind = WeightKind.Recognise(
            source.Tensors.Values.GroupBy(tensor => tensor.Key).ToDictionary(group => group.Key, group => group.First().Shape));
        if (kind is not null && kind.Network != source.Kind)
            return new ControlNetException($"{source.Name}: is {kind.Words}, expected {source.Kind.InWords()}.");
        var parts = new List<string>();
        if (wrong.Count > 0)
            parts.Add(Message.List(wrong, "; "));
        if (missing.Count > 0)
            parts.Add($"{missing.Count:N0} missing: {Message.List(missing)}");
        if (unexpected.Count > 0)
            parts.Add($"{unexpected.Count:N0} unexpected: {Message.List(unexpected)}");
        return new ControlNetException(
            $"{source.Name}: {string.Join("; ", parts)}: is this {source.Kind.InWords()} of another family, or another configuration?");
    }
}
