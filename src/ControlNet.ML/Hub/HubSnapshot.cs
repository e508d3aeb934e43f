using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Hub;

/// <summary>A model or control network of a repository, in the cache or to be fetched into it.</summary>
/// <param name="id">Its id.</param>
/// <param name="options">Variant, parts, runtime and hub.</param>
internal sealed class HubSnapshot(HubId id, LoadOptions options)
{
    // Graphs up to this length are transferred first, so that the length of all files is known before the others; a longer one usually
    // holds its weights itself.
    private const long LargeGraph = 64L << 20;

    private readonly HubOptions _hub = (options.Hub ?? HubOptions.FromEnvironment()) is var hub && options.IsCachedOnly
        ? hub with { IsOffline = true }
        : hub;

    private HubCache Cache => field ??= new HubCache(_hub.CacheFolder, id, _hub.UseLinks);

    /// <summary>The path in the cache; null if files are missing.</summary>
    public string? FindCached() => Cache.Commit is { } commit && Missing(commit, out var path) is [] ? path : null;

    /// <summary>Fetches the files that are missing at the revision's present commit.</summary>
    /// <param name="expected">What it is needed as; null for whatever it is. A single file may be either.</param>
    /// <param name="progress">Receives the number of bytes.</param>
    /// <param name="cancellationToken">Stops the download.</param>
    /// <returns>The path.</returns>
    public async Task<string> FetchAsync(HubLayout? expected, IProgress<HubProgress>? progress, CancellationToken cancellationToken)
    {
        if (_hub.IsOffline)
            return FindCached() ?? throw Offline();
        try
        {
            return await FetchOnlineAsync(expected, progress, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new ControlNetException(
                $"{_hub.CacheFolder}: the hub's cache cannot be written: {error.Message} HF_HUB_CACHE names another folder.", error);
        }
    }

    private async Task<string> FetchOnlineAsync(
        HubLayout? expected, IProgress<HubProgress>? progress, CancellationToken cancellationToken)
    {
        var client = new HubClient(_hub);
        var listing = await client.ListAsync(id, cancellationToken).ConfigureAwait(false);
        var fetch = new HubFetch(id, listing.Commit, client, Cache, _hub, progress);
        Cache.Create();
        var plan = await HubPlan.MakeAsync(id, listing.Files, options, async file =>
            JsonText.ReadFile(await fetch.OneAsync(file, cancellationToken).ConfigureAwait(false), file)).ConfigureAwait(false);
        if (expected is { } layout && plan.Layout != HubLayout.SingleFile && plan.Layout != layout)
        {
            throw new ControlNetException(
                $"{Message.Name(id.ToString())} on {_hub.Endpoint.Host} is {InWords(plan.Layout)}, expected {InWords(layout)}.");
        }

        if (plan.Missing.Count > 0)
        {
            throw new ControlNetException(
                $"{Message.Name(id.ToString())} on {_hub.Endpoint.Host} is incomplete: {string.Join("; ", plan.Missing)}.");
        }

        var files = plan.Files.ToList();
        foreach (var index in plan.Indices)
        {
            var shards = ShardIndex.Names(await fetch.OneAsync(index, cancellationToken).ConfigureAwait(false), index);
            files.AddRange(shards.Select(shard => Sibling(index, shard)));
        }

        var large = new List<string>();
        foreach (var graph in plan.Graphs)
        {
            if (await fetch.IfSmallAsync(graph, LargeGraph, cancellationToken).ConfigureAwait(false) is { } content)
                files.AddRange(Listed(ExternalWeights(graph, content), graph, listing.Files));
            else
                large.Add(graph);
        }

        await fetch.AllAsync(files, cancellationToken).ConfigureAwait(false);
        var others = large.SelectMany(graph =>
            Listed(ExternalWeights(graph, Cache.PathOf(listing.Commit, graph)), graph, listing.Files)).ToList();
        if (others.Count > 0)
            await fetch.AllAsync(others, cancellationToken).ConfigureAwait(false);
        foreach (var file in plan.Substituted)
            Cache.MarkAbsent(listing.Commit, file);
        Cache.WriteRef(listing.Commit);
        return PathOf(listing.Commit, plan);
    }

    private ControlNetException Offline()
    {
        var missing = Cache.Commit is { } commit ? Missing(commit, out _) : [];
        return new ControlNetException(
            $"{Message.Name(id.ToString())} is not in the hub's cache {_hub.CacheFolder}"
                + (missing.Count == 0 ? "" : $", or not all of it: {Message.List(missing)}")
                + ", and the hub may not be used (HF_HUB_OFFLINE).");
    }

    /// <summary>What is missing of a cached commit, and where the model is.</summary>
    private IReadOnlyList<string> Missing(string commit, out string path)
    {
        path = "";
        var files = Cache.Files(commit);
        if (files.Count == 0)
            return ["all files"];
        HubPlan plan;
        try
        {
            // The files are local: the task is complete.
            plan = HubPlan.MakeAsync(id, files, options, file => Task.FromResult(JsonText.ReadFile(Cache.PathOf(commit, file), file)))
                .GetAwaiter().GetResult();
        }
        catch (ControlNetException error)
        {
            // Of the files that are here, none is what the id names.
            return [error.Message];
        }

        path = PathOf(commit, plan);
        var shards = plan.Indices.SelectMany(index =>
            ShardIndex.Names(Cache.PathOf(commit, index), index).Select(shard => Sibling(index, shard)));

        // Offline, a variant that is here serves for the one that is not.
        var better = _hub.IsOffline ? [] : plan.Substituted.Where(file => !Cache.IsAbsent(commit, file));
        var external = plan.Graphs.SelectMany(graph => ExternalWeights(graph, Cache.PathOf(commit, graph)));
        return [.. plan.Missing, .. shards.Concat(external).Distinct().Except(files).Concat(better).Select(Message.Name)];
    }

    /// <summary>The files that a graph's external weights are in, as paths in the repository.</summary>
    /// <param name="graph">The graph, as a path in the repository.</param>
    /// <param name="content">The path of its content, whose name may be another.</param>
    /// <exception cref="ControlNetException">It is no graph, or names files outside its folder.</exception>
    private static IEnumerable<string> ExternalWeights(string graph, string content)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(content))!;
        return Backends.Graphs.Files(content).Skip(1)
            .Select(file => Sibling(graph, Path.GetRelativePath(folder, file).Replace(Path.DirectorySeparatorChar, '/')));
    }

    private IEnumerable<string> Listed(IEnumerable<string> weights, string graph, IReadOnlyList<string> listing)
    {
        foreach (var file in weights)
        {
            if (!listing.Contains(file) || !file.Split('/').All(PlainFileName.IsPlain))
                throw new ControlNetException(
                    $"{Message.Name(id.ToString())} on {_hub.Endpoint.Host} is incomplete: {Message.Name(graph)} has weights in "
                        + $"{Message.Name(file)}, which is missing.");
            yield return file;
        }
    }

    private string PathOf(string commit, HubPlan plan) => plan.Path.Length == 0 ? Cache.Snapshot(commit) : Cache.PathOf(commit, plan.Path);

    private static string Sibling(string file, string name) => file[..(file.LastIndexOf('/') + 1)] + name;

    private static string InWords(HubLayout layout) => layout switch
    {
        HubLayout.Model => "a model",
        HubLayout.ControlNetwork => "a control network",
        _ => "a single file",
    };
}
