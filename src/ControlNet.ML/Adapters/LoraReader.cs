using ControlNet.ML.Weights;

namespace ControlNet.ML.Adapters;

/// <summary>
/// Reads the factors of a LoRA file. Each tensor's naming is recognised on its own, for files mix several: peft's and diffusers'
/// (<c>.lora_A</c>, <c>.lora.down</c>, <c>.lora_linear_layer.down</c>, <c>_lora.down</c>), and kohya's (<c>.lora_down</c>, <c>.alpha</c>).
/// </summary>
internal sealed class LoraReader(TensorFile file, LoraNames names)
{
    private enum Role
    {
        Down,
        Up,
        Alpha,
    }

    private static readonly (string Suffix, Role Role)[] Suffixes =
    [
        (".lora_A.weight", Role.Down), (".lora_B.weight", Role.Up),
        (".lora_A.default.weight", Role.Down), (".lora_B.default.weight", Role.Up),
        (".lora.down.weight", Role.Down), (".lora.up.weight", Role.Up),
        (".lora_linear_layer.down.weight", Role.Down), (".lora_linear_layer.up.weight", Role.Up),
        ("_lora.down.weight", Role.Down), ("_lora.up.weight", Role.Up),
        (".lora_down.weight", Role.Down), (".lora_up.weight", Role.Up),
        (".alpha", Role.Alpha),
    ];

    private const string WholeDifferences = "a file of whole differences";

    // What LyCORIS and others write beside or instead of the two factors, and what peft calls it.
    private static readonly (string Sign, string Kind)[] Unsupported =
    [
        (".hada_", "a LoHa"), (".lokr_", "a LoKr"), (".dora_scale", "a DoRA"), (".lora_magnitude_vector", "a DoRA"),
        (".lora_mid.", "a LoCon in Tucker's decomposition"), (".oft_", "an OFT"), (".boft_", "a BOFT"), (".a1.weight", "a GLoRA"),
        (".lora_embedding_", "a LoRA of an embedding table"), (".diff_b", WholeDifferences), (".on_input", "an IA3"),
    ];

    /// <summary>Reads all modules.</summary>
    /// <exception cref="ControlNetException">It is no LoRA, of a kind that is not supported, or for another model.</exception>
    public IReadOnlyList<LoraModule> Read()
    {
        RefuseOthers();
        var metadata = LoraMetadata.Read(file.Metadata, file.Name);
        var factors = new Dictionary<LoraTarget, Dictionary<Role, string>>();
        List<string> unknown = [];
        foreach (var key in file.Entries.Keys.Order(StringComparer.Ordinal))
        {
            var suffix = Array.Find(Suffixes, suffix => key.EndsWith(suffix.Suffix, StringComparison.Ordinal));
            if (suffix.Suffix is null || names.Find(key[..^suffix.Suffix.Length]) is not { } target)
            {
                unknown.Add(Message.Name(key));
                continue;
            }

            if (!factors.TryGetValue(target, out var own))
                factors.Add(target, own = []);
            if (!own.TryAdd(suffix.Role, key))
                throw new ControlNetException(
                    $"{file.Name}: {Message.Name(own[suffix.Role])} and {Message.Name(key)} are both for {Name(target)}, expected one.");
        }

        if (unknown.Count > 0)
            throw new ControlNetException(
                $"{file.Name}: {unknown.Count:N0} of its {file.Entries.Count:N0} tensors are for no module of the model "
                    + $"{Message.Name(names.Model)}: {Message.List(unknown)}: is this a LoRA for another family of models?");
        return [.. factors.OrderBy(module => module.Key.Index).Select(module => Read(module.Key, module.Value, metadata))];
    }

    /// <summary>Names other kinds of files, and adapters that are no LoRA.</summary>
    private void RefuseOthers()
    {
        foreach (var (sign, kind) in Unsupported)
        {
            if (file.Entries.Keys.FirstOrDefault(key => key.Contains(sign, StringComparison.Ordinal)) is { } key)
                throw new ControlNetException(
                    $"{file.Name}: is {kind} ({Message.Name(key)}), which is not supported: expected a LoRA or LoCon, "
                        + "with two factors per module.");
        }

        if (file.Entries.Keys.FirstOrDefault(key => key.EndsWith(".diff", StringComparison.Ordinal)) is { } whole)
            throw new ControlNetException(
                $"{file.Name}: is {WholeDifferences} ({Message.Name(whole)}), which is not supported: expected a LoRA or LoCon.");

        if (file.Entries.Count == 0 || !file.Entries.Keys.Any(key => key.Contains("lora", StringComparison.Ordinal)))
            throw new ControlNetException(
                $"{file.Name}: {(WeightKind.Recognise(file) is { } kind ? $"is {kind.Words}" : "has no tensors of one")}, "
                    + "expected a LoRA.");
    }

    private LoraModule Read(LoraTarget target, Dictionary<Role, string> keys, LoraMetadata metadata)
    {
        if (!keys.TryGetValue(Role.Down, out var down) || !keys.TryGetValue(Role.Up, out var up))
            throw new ControlNetException(
                $"{file.Name}: {Name(target)} has only {Message.List([.. keys.Values.Select(Message.Name)])}, expected both factors.");
        var (downShape, upShape) = (file.Entries[down].Shape, file.Entries[up].Shape);
        var rank = downShape.Length >= 2 ? downShape[0] : 0;
        if (rank == 0 || !Fits(downShape, [rank, .. target.Shape[1..]]) || !Fits(upShape, [target.Shape[0], rank]))
            throw new ControlNetException(
                $"{file.Name}: {Name(target)} is {Message.Shape(target.Shape)}, the factors are {Message.Shape(upShape)} and "
                    + $"{Message.Shape(downShape)}, expected [{target.Shape[0]}, rank] and "
                    + $"[rank, {string.Join(", ", target.Shape[1..])}]: is this a LoRA for another family of models?");
        var alpha = keys.TryGetValue(Role.Alpha, out var key) ? Alpha(key) / rank : metadata.Scale(target, rank);
        return new LoraModule(target.Part, target.Path, Tensor(down), Tensor(up), alpha);
    }

    private double Alpha(string key)
    {
        var value = Tensor(key);
        return value.Count == 1 && float.IsFinite(value.Values[0])
            ? value.Values[0]
            : throw new ControlNetException($"{file.Name}: {Message.Name(key)} is {value}, expected one finite number.");
    }

    private TensorData Tensor(string key)
    {
        var entry = file.Entries[key];
        if (!entry.Type.IsFloatingPoint() || entry.Count > Array.MaxLength)
            throw new ControlNetException(
                $"{file.Name}: {Message.Name(key)} is {entry.Type.FormatName()} {Message.Shape(entry.Shape)}, "
                    + "expected floating-point numbers.");
        var data = TensorData.Zeros([.. entry.Shape.Select(size => (int)size)]);
        file.CopyTo(key, data.Values);
        return data;
    }

    /// <summary>Whether shapes are the same, apart from sizes of 1 at the end: a linear layer may be stored as a 1x1 convolution.</summary>
    private static bool Fits(long[] shape, long[] expected) => Short(shape).SequenceEqual(Short(expected));

    private static ReadOnlySpan<long> Short(long[] shape)
    {
        var length = shape.Length;
        while (length > 2 && shape[length - 1] == 1)
            length--;
        return shape.AsSpan(0, length);
    }

    private static string Name(LoraTarget target) => $"the {target.Part} module {Message.Name(target.Path)}";
}
