namespace ControlNet.ML.Hub;

/// <summary>
/// Models and control networks of the Hugging Face hub, in the cache that is shared with Python's tools. Of a repository only the needed
/// files are fetched: configurations, and one variant of the weights, in safetensors; or ONNX graphs, if the repository has nothing else or
/// the runtime asked for (<see cref="LoadOptions.Backend"/>) runs them.
/// </summary>
public static class ModelHub
{
    /// <summary>Fetches a model or control network, or what has changed of it, and returns its place in the cache.</summary>
    /// <param name="id">Its id, <c>owner/name[@revision][:subfolder]</c>; a subfolder may also be a single file.</param>
    /// <param name="options">The variant of the weights, the parts of a model, the runtime, the hub. Null for the defaults.</param>
    /// <param name="progress">Receives the number of bytes, on a thread of the pool.</param>
    /// <param name="cancellationToken">Stops the download; what was transferred is kept, and the next call resumes it.</param>
    /// <returns>The path of the folder, or of the single file.</returns>
    /// <exception cref="ControlNetException">
    /// There is no such repository, revision or file; it may not be read; it holds no model; it needs more space than there is; the hub
    /// cannot be reached, or may not be (offline) and files are not in the cache.
    /// </exception>
    /// <exception cref="OperationCanceledException">The download was cancelled.</exception>
    public static Task<string> DownloadAsync(
        string id, LoadOptions? options = null, IProgress<HubProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var parsed = HubId.Parse(id);
        return new HubSnapshot(parsed, options ?? new LoadOptions()).FetchAsync(expected: null, progress, cancellationToken);
    }

    /// <summary>The place of a model or control network whose files are all in the cache. Never uses the network.</summary>
    /// <param name="id">Its id, <c>owner/name[@revision][:subfolder]</c>.</param>
    /// <param name="options">The variant of the weights, the parts of a model, the runtime, the hub. Null for the defaults.</param>
    /// <returns>The path of the folder, or of the single file; null if files are missing.</returns>
    /// <exception cref="ControlNetException">The id is invalid, or files of the cache are.</exception>
    public static string? FindCached(string id, LoadOptions? options = null) =>
        new HubSnapshot(HubId.Parse(id), options ?? new LoadOptions()).FindCached();

    /// <summary>The repositories in the cache whose files could be a model or a control network.</summary>
    /// <param name="options">The cache; null for that of the environment.</param>
    /// <returns>One entry for each revision, in the order of their names.</returns>
    public static IReadOnlyList<CachedRepository> Cached(HubOptions? options = null) =>
        CachedRepository.List((options ?? HubOptions.FromEnvironment()).CacheFolder);

    /// <summary>The path of a model or control network, fetched if files of it are not in the cache.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="options">Variant, parts, hub, and the progress: from 0 to 1 while it is fetched.</param>
    /// <param name="expected">What it is needed as; null for whatever it is.</param>
    /// <param name="cancellationToken">Stops the download.</param>
    internal static string Resolve(HubId id, LoadOptions options, HubLayout? expected, CancellationToken cancellationToken)
    {
        var snapshot = new HubSnapshot(id, options);
        if (snapshot.FindCached() is { } cached)
            return cached;

        // Loading is synchronous, and its caller may have a context that continuations would wait for.
        var progress = options.Progress is { } report ? new Share(report) : null;
        return Task.Run(() => snapshot.FetchAsync(expected, progress, cancellationToken), cancellationToken).GetAwaiter().GetResult();
    }

    /// <summary>
    /// The id that a saved model names its weights by: with the commit, so that another computer finds the same files. Null for a path that
    /// is not in the cache under the id.
    /// </summary>
    /// <param name="name">The name that a model or network was loaded by.</param>
    /// <param name="path">Its full path.</param>
    internal static string? PinnedName(string name, string path)
    {
        if (Path.Exists(name) || !HubId.TryParse(name, out var id))
            return null;
        var commit = path.Split(Path.DirectorySeparatorChar).SkipWhile(part => part != "snapshots").Skip(1).FirstOrDefault();
        return commit is not null && HubId.IsCommit(commit) ? id.At(commit).ToString() : null;
    }

    private sealed class Share(IProgress<double> report) : IProgress<HubProgress>
    {
        public void Report(HubProgress value) => report.Report(value.Total == 0 ? 1 : (double)value.Done / value.Total);
    }
}
