namespace ControlNet.ML.Weights.Pickles;

/// <summary>
/// A class or function that a pickle names. It is only a name: nothing is looked up, and only those in <see cref="PickleGlobals"/> may be
/// used.
/// </summary>
/// <param name="Name">Module and name: <c>torch._utils._rebuild_tensor_v2</c>.</param>
internal sealed record PickleGlobal(string Name);

/// <summary>A value that was understood but is of no interest: a set, a scalar of numpy.</summary>
internal sealed class PickleOpaque
{
    /// <summary>The only one.</summary>
    public static readonly PickleOpaque Instance = new();
}

/// <summary>A list, which is not compared by value: it may contain itself.</summary>
internal sealed class PickleList
{
    /// <summary>The items.</summary>
    public List<object?> Items { get; } = [];
}

/// <summary>A dictionary, in the order of its keys' first appearance.</summary>
internal sealed class PickleDict
{
    private readonly Dictionary<string, object?> _byName = [];

    /// <summary>The entries whose keys are strings. As in Python, a later value replaces an earlier one in its place.</summary>
    public IReadOnlyDictionary<string, object?> Named => _byName;

    /// <summary>The names, in order.</summary>
    public List<string> Names { get; } = [];

    /// <summary>Whether there are keys other than strings.</summary>
    public bool HasOtherKeys { get; private set; }

    /// <summary>Sets an entry.</summary>
    public void Set(object? key, object? value)
    {
        if (key is not string name)
        {
            HasOtherKeys = true;
            return;
        }

        if (!_byName.ContainsKey(name))
            Names.Add(name);
        _byName[name] = value;
    }
}

/// <summary>A module of torch whose parameters are wanted: the state that <c>BUILD</c> gives it.</summary>
internal sealed class PickleModule
{
    /// <summary>The parameters, once the state is there.</summary>
    public PickleDict? Parameters { get; set; }
}

/// <summary>A storage: the bytes that tensors are views of.</summary>
/// <param name="Key">Its name in the file.</param>
/// <param name="Type">The element type; null for bytes whose type the tensor states.</param>
/// <param name="Count">The number of elements that the pickle states; bytes if there is no type.</param>
/// <param name="Offset">The first byte in the file.</param>
/// <param name="ByteLength">The number of bytes in the file.</param>
internal sealed record PickleStorage(string Key, TensorType? Type, long Count, long Offset, long ByteLength);

/// <summary>A tensor: a view of a storage, whose bounds have been checked.</summary>
/// <param name="Storage">The storage.</param>
/// <param name="Type">The element type.</param>
/// <param name="First">The first element.</param>
/// <param name="Shape">The sizes, outermost first.</param>
/// <param name="Strides">The distance of neighbours in each dimension, in elements.</param>
internal sealed record PickleTensor(PickleStorage Storage, TensorType Type, long First, long[] Shape, long[] Strides)
{
    /// <summary>The number of elements.</summary>
    public long Count => Shape.Aggregate(1L, (product, size) => product * size);

    /// <summary>Whether the elements stand in row-major order without gaps.</summary>
    public bool IsContiguous
    {
        get
        {
            var expected = 1L;
            for (var i = Shape.Length - 1; i >= 0; i--)
            {
                if (Shape[i] != 1 && Strides[i] != expected)
                    return false;
                expected *= Shape[i];
            }

            return true;
        }
    }
}
