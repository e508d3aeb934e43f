using System.Globalization;

namespace ControlNet.ML.Hub;

/// <summary>One download: files of a commit, which are placed in its snapshot when all of them are there.</summary>
/// <param name="id">The repository.</param>
/// <param name="commit">The commit.</param>
/// <param name="client">The hub.</param>
/// <param name="cache">The cache.</param>
/// <param name="options">The free space.</param>
/// <param name="progress">Receives the number of bytes.</param>
internal sealed class HubFetch(
    HubId id, string commit, HubClient client, HubCache cache, HubOptions options, IProgress<HubProgress>? progress)
{
    private readonly HubTransfer _transfer = new(client, cache, options);
    private readonly Dictionary<string, HubFile> _described = new(StringComparer.Ordinal);

    /// <summary>Transfers a small file that says which others are needed.</summary>
    /// <returns>The path of its content.</returns>
    /// <exception cref="ControlNetException">It is too large, or the hub fails.</exception>
    public async Task<string> OneAsync(string path, CancellationToken cancellationToken) =>
        await IfSmallAsync(path, Configuration.JsonText.LongestFile, cancellationToken).ConfigureAwait(false)
            ?? throw new ControlNetException(
                $"{Message.Name(path)} of {Message.Name(id.Repository)} has {_described[path].Size:N0} bytes, expected JSON of at most "
                    + $"{Configuration.JsonText.LongestFile:N0}.");

    /// <summary>Transfers a file up to a length; a longer one that is in the cache already counts as well.</summary>
    /// <returns>The path of its content; null if it is longer.</returns>
    /// <exception cref="ControlNetException">The hub fails.</exception>
    public async Task<string?> IfSmallAsync(string path, long longest, CancellationToken cancellationToken)
    {
        if (cache.Has(commit, path))
            return cache.PathOf(commit, path);
        var file = await DescribeAsync(path, cancellationToken).ConfigureAwait(false);
        if (file.Size > longest)
            return null;
        await _transfer.RunAsync(id, commit, file, _ => { }, cancellationToken).ConfigureAwait(false);
        return cache.Blob(file.ETag);
    }

    /// <summary>Transfers files that are not in the cache yet.</summary>
    /// <exception cref="ControlNetException">There is not enough space, or the hub fails.</exception>
    public async Task AllAsync(IReadOnlyList<string> paths, CancellationToken cancellationToken)
    {
        var files = new List<HubFile>();
        foreach (var path in paths.Where(path => !cache.Has(commit, path)))
            files.Add(await DescribeAsync(path, cancellationToken).ConfigureAwait(false));

        // The same content may have several names.
        var contents = files.DistinctBy(file => file.ETag).ToList();
        var total = contents.Sum(file => file.Size);
        RequireSpace(contents.Where(file => !_transfer.IsDone(file)).Sum(file => file.Size - _transfer.Begun(file)));
        var done = 0L;
        foreach (var file in contents)
        {
            await _transfer.RunAsync(id, commit, file, bytes => Report(file, done + bytes), cancellationToken).ConfigureAwait(false);
            done += file.Size;
            Report(file, done);
        }

        for (var i = 0; i < files.Count; i++)
            cache.Place(commit, files[i].Path, files[i].ETag, isLast: files.FindLastIndex(file => file.ETag == files[i].ETag) == i);

        void Report(HubFile file, long bytes) => progress?.Report(new HubProgress(file.Path, bytes, total));
    }

    private async Task<HubFile> DescribeAsync(string path, CancellationToken cancellationToken)
    {
        if (!_described.TryGetValue(path, out var file))
            _described[path] = file = await client.DescribeAsync(id, commit, path, cancellationToken).ConfigureAwait(false);
        return file;
    }

    private void RequireSpace(long needed)
    {
        if (needed > 0 && options.FreeSpace(options.CacheFolder) is var free && free < needed)
        {
            throw new ControlNetException(string.Create(
                CultureInfo.InvariantCulture,
                $"{options.CacheFolder}: {id.Repository} needs {needed / 1e6:N1} MB, and {free / 1e6:N1} MB are free. HF_HUB_CACHE names "
                    + $"another folder."));
        }
    }
}
