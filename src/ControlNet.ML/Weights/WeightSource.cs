namespace ControlNet.ML.Weights;

/// <summary>
/// The weights of one network: one file or several shards, old names or new. All tensors have the current names and shapes of diffusers and
/// transformers. Disposing it closes the files.
/// </summary>
public sealed class WeightSource : IDisposable
{
    private readonly List<TensorFile> _files;
    private readonly Dictionary<string, WeightTensor> _tensors = [];

    internal WeightSource(string name, NetworkKind kind, List<TensorFile> files) => (Name, Kind, _files) = (name, kind, files);

    /// <summary>The name in messages, such as <c>unet/diffusion_pytorch_model.safetensors</c>.</summary>
    public string Name { get; }

    /// <summary>The kind of network.</summary>
    public NetworkKind Kind { get; }

    /// <summary>The tensors by their current names.</summary>
    public IReadOnlyDictionary<string, WeightTensor> Tensors => _tensors;

    /// <summary>The open files.</summary>
    public IReadOnlyList<TensorFile> Files => _files;

    /// <summary>Opens the weights of a part's folder: a file, a variant, or shards with their index.</summary>
    /// <param name="folder">The folder, <c>…/unet</c>.</param>
    /// <param name="kind">The kind of network, which determines the file's name.</param>
    /// <param name="variant">The variant to prefer, <c>fp16</c>; null for the plain files.</param>
    /// <returns>The open weights; the caller disposes them.</returns>
    /// <exception cref="ControlNetException">There are none, or they are invalid; the message says why.</exception>
    public static WeightSource Open(string folder, NetworkKind kind, string? variant = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        var files = PartFiles.Find(folder, kind, variant)
            ?? throw new ControlNetException($"{folder}: {PartFiles.Absence(folder, kind)}.");
        if (files.Single is not null)
            return OpenFile(files.Single, DisplayName(files.Single), kind);
        var name = DisplayName(files.Index!);
        return OpenShards(ShardIndex.Read(files.Index!, name), name, kind);
    }

    /// <summary>Opens a single file in diffusers' or transformers' naming.</summary>
    /// <param name="path">The file.</param>
    /// <param name="kind">The kind of network that it holds.</param>
    /// <returns>The open weights; the caller disposes them.</returns>
    /// <exception cref="ControlNetException">It is invalid; the message says why.</exception>
    public static WeightSource OpenFile(string path, NetworkKind kind) => OpenFile(path, path, kind);

    /// <summary>Drops the tensors that are not wanted.</summary>
    /// <param name="wanted">Whether to keep the tensor of a name.</param>
    public void Keep(Func<string, bool> wanted)
    {
        foreach (var name in _tensors.Keys.Where(name => !wanted(name)).ToList())
            _tensors.Remove(name);
    }

    /// <summary>Throws if a file was overwritten since it was opened; one that was replaced by another is still there.</summary>
    /// <exception cref="ControlNetException">A file has changed.</exception>
    internal void EnsureUnchanged()
    {
        foreach (var file in _files)
            file.EnsureUnchanged();
    }

    /// <summary>Closes the files, which invalidates the tensors' addresses.</summary>
    public void Dispose()
    {
        foreach (var file in _files)
            file.Dispose();
    }

    /// <summary>Adds a tensor under its current name.</summary>
    internal void Add(WeightTensor tensor)
    {
        if (!_tensors.TryAdd(tensor.Name, tensor))
            throw new ControlNetException(
                $"{Name}: {Message.Name(_tensors[tensor.Name].Key)} and {Message.Name(tensor.Key)} are both {Message.Name(tensor.Name)}, "
                    + "expected one.");
    }

    /// <summary>The weights of a network in an open file, which the source closes.</summary>
    /// <param name="file">The file.</param>
    /// <param name="kind">The kind of network.</param>
    /// <param name="fill">Adds the tensors.</param>
    internal static WeightSource Around(TensorFile file, NetworkKind kind, Action<WeightSource> fill)
    {
        var source = new WeightSource(file.Name, kind, [file]);
        try
        {
            fill(source);
            return source;
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    private static WeightSource OpenFile(string path, string name, NetworkKind kind)
    {
        var source = new WeightSource(name, kind, []);
        try
        {
            source.AddFile(path, name, indexed: null);
            return source;
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    private static WeightSource OpenShards(IReadOnlyDictionary<string, HashSet<string>> shards, string name, NetworkKind kind)
    {
        var source = new WeightSource(name, kind, []);
        try
        {
            foreach (var (path, indexed) in shards)
                source.AddFile(path, DisplayName(path), indexed);
            return source;
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    private void AddFile(string path, string name, HashSet<string>? indexed)
    {
        var file = TensorFile.Open(path, name);
        _files.Add(file);
        if (indexed is not null && !indexed.SetEquals(file.Entries.Keys))
        {
            // Without this error, weights would turn out to be missing or random much later.
            var missing = indexed.Except(file.Entries.Keys).Order(StringComparer.Ordinal).Select(Message.Name).ToList();
            var unknown = file.Entries.Keys.Except(indexed).Order(StringComparer.Ordinal).Select(Message.Name).ToList();
            throw new ControlNetException(
                $"{name}: does not match its index {Message.Name(Name)}:" +
                (missing.Count > 0 ? $" missing {Message.List(missing)}." : "") +
                (unknown.Count > 0 ? $" not in the index {Message.List(unknown)}." : ""));
        }

        foreach (var entry in file.Entries.Values)
        {
            if (KeyNormaliser.Normalise(Kind, entry.Name, entry.Shape) is var (present, shape))
                Add(new WeightTensor(present, shape, file, entry));
        }
    }

    /// <summary>The last two names of a path: part and file.</summary>
    private static string DisplayName(string path) =>
        $"{Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(path)))}/{Path.GetFileName(path)}";
}
