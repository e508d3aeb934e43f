namespace ControlNet.ML.Weights.Pickles;

/// <summary>The tuple that stands for a storage: <c>('storage', torch.FloatStorage, '0', 'cpu', 4)</c>.</summary>
internal static class StorageId
{
    /// <summary>Reads a storage's key, element type (null: bytes) and number of elements.</summary>
    /// <param name="id">The tuple's values.</param>
    /// <param name="file">The file's name in messages.</param>
    /// <exception cref="ControlNetException">They are something else.</exception>
    public static (string Key, TensorType? Type, long Count) Parse(object?[] id, string file) =>
        id is ["storage", PickleGlobal kind, string key, string, long and >= 0 and var count, ..]
        && PickleGlobals.IsStorage(kind.Name, out var type)
            ? (key, type, count)
            : throw new ControlNetException(
                $"{file}: refers to a storage by a tuple of {id.Length} values, expected 'storage', its type, key, device and size.");
}
