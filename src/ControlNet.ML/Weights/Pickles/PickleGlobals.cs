namespace ControlNet.ML.Weights.Pickles;

/// <summary>
/// What a pickle may name, and what becomes of it: a fixed table. The few functions that rebuild tensors are computed here, by us; all
/// others are refused by their name. No code of a file runs, and nothing that it names is looked up.
/// </summary>
/// <remarks>Source: the names that torch's <c>Tensor.__reduce_ex__</c>, <c>Storage</c> and <c>weights_only</c> loader use.</remarks>
internal static class PickleGlobals
{
    private static readonly Dictionary<string, TensorType?> Storages = new()
    {
        ["torch.DoubleStorage"] = TensorType.F64,
        ["torch.FloatStorage"] = TensorType.F32,
        ["torch.HalfStorage"] = TensorType.F16,
        ["torch.BFloat16Storage"] = TensorType.BF16,
        ["torch.LongStorage"] = TensorType.I64,
        ["torch.IntStorage"] = TensorType.I32,
        ["torch.ShortStorage"] = TensorType.I16,
        ["torch.CharStorage"] = TensorType.I8,
        ["torch.ByteStorage"] = TensorType.U8,
        ["torch.BoolStorage"] = TensorType.Bool,
        ["torch.storage.UntypedStorage"] = null,
        ["torch.UntypedStorage"] = null,
    };

    // For the element types that have no storage of their own.
    private static readonly Dictionary<string, TensorType> Types = new()
    {
        ["torch.float64"] = TensorType.F64,
        ["torch.float32"] = TensorType.F32,
        ["torch.float16"] = TensorType.F16,
        ["torch.bfloat16"] = TensorType.BF16,
        ["torch.float8_e4m3fn"] = TensorType.F8E4M3,
        ["torch.float8_e5m2"] = TensorType.F8E5M2,
        ["torch.int64"] = TensorType.I64,
        ["torch.int32"] = TensorType.I32,
        ["torch.int16"] = TensorType.I16,
        ["torch.int8"] = TensorType.I8,
        ["torch.uint64"] = TensorType.U64,
        ["torch.uint32"] = TensorType.U32,
        ["torch.uint16"] = TensorType.U16,
        ["torch.uint8"] = TensorType.U8,
        ["torch.bool"] = TensorType.Bool,
    };

    // What trainers store beside weights; a value of it is never needed.
    private static readonly HashSet<string> Ignored =
    [
        "__builtin__.set", "builtins.set", "torch.device", "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.dtype",
        "_codecs.encode",
    ];

    // Classes that stand in files as keys of dictionaries.
    private static readonly HashSet<string> Named =
    [
        "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint",
        "lightning.pytorch.callbacks.model_checkpoint.ModelCheckpoint",
    ];

    /// <summary>Whether a pickle may contain a name.</summary>
    public static bool Allows(string name) =>
        Storages.ContainsKey(name) || Types.ContainsKey(name) || Ignored.Contains(name) || Named.Contains(name)
        || name is "collections.OrderedDict" or "torch.Size" or "torch.nn.modules.container.ParameterDict"
            or "torch._utils._rebuild_tensor" or "torch._utils._rebuild_tensor_v2" or "torch._utils._rebuild_tensor_v3"
            or "torch._utils._rebuild_parameter" or "torch._utils._rebuild_parameter_with_state";

    /// <summary>The element type of a storage's class; null if the name is none.</summary>
    /// <param name="name">The class.</param>
    /// <param name="type">The type; null for a storage of bytes.</param>
    public static bool IsStorage(string name, out TensorType? type) => Storages.TryGetValue(name, out type);

    /// <summary>The result of a call.</summary>
    /// <param name="function">The function or class.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="file">The file's name in messages.</param>
    /// <exception cref="ControlNetException">The call is not in the table, or its arguments are invalid.</exception>
    public static object? Call(PickleGlobal function, object?[] arguments, string file) => (function.Name, arguments) switch
    {
        ("collections.OrderedDict", []) => new PickleDict(),
        ("collections.OrderedDict", [PickleList pairs]) => FromPairs(pairs, file),
        ("torch.nn.modules.container.ParameterDict", []) => new PickleModule(),
        ("torch.Size", [object?[] sizes]) => sizes,
        ("torch._utils._rebuild_tensor" or "torch._utils._rebuild_tensor_v2",
            [PickleStorage storage, long first, object?[] sizes, object?[] strides, ..]) =>
            Tensor(storage, storage.Type ?? throw Invalid(function, file), first, sizes, strides, file),
        ("torch._utils._rebuild_tensor_v3",
            [PickleStorage storage, long first, object?[] sizes, object?[] strides, _, _, PickleGlobal type, ..])
            when Types.TryGetValue(type.Name, out var known) => Tensor(storage, known, first, sizes, strides, file),
        ("torch._utils._rebuild_parameter" or "torch._utils._rebuild_parameter_with_state", [PickleTensor tensor, ..]) => tensor,
        (var name, _) when Ignored.Contains(name) => PickleOpaque.Instance,
        _ => throw Invalid(function, file),
    };

    private static ControlNetException Invalid(PickleGlobal function, string file) =>
        new($"{file}: calls {Message.Name(function.Name)} in a way that tensors do not need, which is refused.");

    private static PickleDict FromPairs(PickleList pairs, string file)
    {
        var dict = new PickleDict();
        foreach (var pair in pairs.Items)
        {
            if (pair is object?[] and [var key, var value])
                dict.Set(key, value);
            else if (pair is PickleList { Items: [var first, var second] })
                dict.Set(first, second);
            else
                throw new ControlNetException($"{file}: an OrderedDict is made of something else than pairs.");
        }

        return dict;
    }

    private static PickleTensor Tensor(
        PickleStorage storage, TensorType type, long first, object?[] sizes, object?[] strides, string file)
    {
        if (sizes.Length != strides.Length)
            throw new ControlNetException($"{file}: a tensor has {sizes.Length} sizes and {strides.Length} strides, expected as many.");
        if (sizes.Length > SafetensorsHeader.HighestRank)
            throw new ControlNetException(
                $"{file}: a tensor has {sizes.Length:N0} dimensions, expected at most {SafetensorsHeader.HighestRank}.");
        var shape = Numbers(sizes, "size", file);
        var steps = Numbers(strides, "stride", file);
        if (first < 0)
            throw new ControlNetException($"{file}: a tensor begins at element {first:N0} of its storage.");

        // The elements that the storage has according to the pickle and in fact: both must hold the tensor.
        var stored = Math.Min(
            storage.Type is null ? storage.Count / type.Size() : storage.Count, storage.ByteLength / type.Size());
        try
        {
            long count = 1, last = first;
            for (var i = 0; i < shape.Length; i++)
            {
                count = checked(count * shape[i]);
                last = checked(last + (Math.Max(shape[i] - 1, 0) * steps[i]));
            }

            if (count > 0 && last >= stored)
                throw new ControlNetException(
                    $"{file}: a tensor {Message.Shape(shape)} ends at element {last:N0} of storage {Message.Name(storage.Key)}, "
                        + $"which has {stored:N0}.");

            // Strides of 0 make any number of elements out of one.
            if (count > Math.Max(stored, 1 << 20))
                throw new ControlNetException(
                    $"{file}: a tensor {Message.Shape(shape)} repeats the {stored:N0} elements of its storage, "
                        + "expected no more than that.");
        }
        catch (OverflowException error)
        {
            throw new ControlNetException($"{file}: a tensor's sizes {Message.Shape(shape)} and strides are beyond all files.", error);
        }

        return new PickleTensor(storage, type, first, shape, steps);
    }

    private static long[] Numbers(object?[] values, string what, string file) => Array.ConvertAll(
        values,
        value => value is long and >= 0 and var number
            ? number
            : throw new ControlNetException($"{file}: a tensor has a {what} that is no number of 0 or more."));
}
