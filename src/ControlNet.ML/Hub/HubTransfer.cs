using System.Net;

namespace ControlNet.ML.Hub;

/// <summary>
/// Transfers contents into the cache. A transfer that was cut, or whose process was killed, is resumed where it stopped; a content gets its
/// name only after its size and hash were checked, and only one process transfers it.
/// </summary>
/// <param name="client">The hub.</param>
/// <param name="cache">The cache.</param>
/// <param name="options">The timeout and the clock.</param>
internal sealed class HubTransfer(HubClient client, HubCache cache, HubOptions options)
{
    private const int BlockLength = 1 << 17;

    /// <summary>Whether a content has already been transferred.</summary>
    public bool IsDone(HubFile file) => new FileInfo(cache.Blob(file.ETag)) is { Exists: true } blob && blob.Length == file.Size;

    /// <summary>The number of bytes that an earlier transfer left.</summary>
    public long Begun(HubFile file) =>
        new FileInfo(cache.Incomplete(file.ETag)) is { Exists: true } part && part.Length <= file.Size ? part.Length : 0;

    /// <summary>Transfers a file's content.</summary>
    /// <param name="id">The repository.</param>
    /// <param name="commit">The commit.</param>
    /// <param name="file">The file.</param>
    /// <param name="report">Receives the number of bytes that are there.</param>
    /// <param name="cancellationToken">Stops the transfer; what was transferred is kept.</param>
    /// <exception cref="ControlNetException">The hub fails or refuses, or its content is not the announced one.</exception>
    /// <exception cref="IOException">The cache cannot be written.</exception>
    public async Task RunAsync(HubId id, string commit, HubFile file, Action<long> report, CancellationToken cancellationToken)
    {
        using var hold = await cache.LockAsync(file.ETag, cancellationToken).ConfigureAwait(false);
        if (IsDone(file) || cache.Has(commit, file.Path))
            return;
        var part = cache.Incomplete(file.ETag);
        if (!await FillAsync(id, commit, file, part, report, cancellationToken).ConfigureAwait(false))
        {
            // The leftover of an earlier transfer may have been damaged: once more, from the start.
            File.Delete(part);
            await FillAsync(id, commit, file, part, report, cancellationToken).ConfigureAwait(false);
        }

        File.Move(part, cache.Blob(file.ETag), overwrite: true);
    }

    /// <summary>Completes the temporary file.</summary>
    /// <returns>False if the hash is wrong, and not all bytes are of this call.</returns>
    private async Task<bool> FillAsync(
        HubId id, string commit, HubFile file, string part, Action<long> report, CancellationToken cancellationToken)
    {
        var stream = new FileStream(part, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, 1, FileOptions.Asynchronous);
        await using var _ = stream.ConfigureAwait(false);
        using var hash = new HubContentHash(file);
        var isResumed = await ReadLeftoverAsync(stream, file, hash, cancellationToken).ConfigureAwait(false);
        report(stream.Position);
        while (stream.Position < file.Size)
        {
            // Each attempt that transfers something is a success: only so many in a row may fail without one.
            await HubRetry.RunAsync(options, async token =>
            {
                var before = stream.Position;
                var failure = await ReceiveAsync(id, commit, file, stream, hash, report, token).ConfigureAwait(false);
                return failure is not null && stream.Position <= before ? throw failure : true;
            }, cancellationToken).ConfigureAwait(false);
        }

        var digest = hash.Finish();
        if (digest == file.ETag)
        {
            stream.Flush(flushToDisk: true);
            return true;
        }

        stream.SetLength(0);
        return isResumed ? false : throw new ControlNetException(
            $"{Message.Name(file.Path)} of {Message.Name(id.Repository)}: the transferred content has the {hash.Algorithm} "
                + $"{digest[..16]}…, expected {file.ETag[..16]}…; it was discarded.");
    }

    /// <summary>Hashes what an earlier transfer left, and positions the stream behind it.</summary>
    /// <returns>Whether there was anything.</returns>
    private static async Task<bool> ReadLeftoverAsync(
        FileStream stream, HubFile file, HubContentHash hash, CancellationToken cancellationToken)
    {
        if (stream.Length > file.Size)
            stream.SetLength(0);
        var block = new byte[BlockLength];
        for (int count; (count = await stream.ReadAsync(block, cancellationToken).ConfigureAwait(false)) > 0;)
            hash.Add(block.AsSpan(0, count));
        return stream.Length > 0;
    }

    /// <summary>Receives as much as one connection gives.</summary>
    /// <returns>How the connection ended early; null if all was received.</returns>
    private async Task<HubBusyException?> ReceiveAsync(
        HubId id, string commit, HubFile file, FileStream stream, HubContentHash hash, Action<long> report,
        CancellationToken cancellationToken)
    {
        using var response = await client.OpenAsync(id, commit, file.Path, stream.Position, cancellationToken).ConfigureAwait(false);
        if (response.StatusCode != HttpStatusCode.PartialContent || response.Content.Headers.ContentRange?.From != stream.Position)
        {
            // The storage does not resume: from the start.
            stream.SetLength(0);
            hash.Restart();
            if (response.StatusCode != HttpStatusCode.OK)
                return new HubBusyException($"the server does not send the rest of {Message.Name(file.Path)}");
        }

        var body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await using var _ = body.ConfigureAwait(false);
        var block = new byte[BlockLength];
        while (stream.Position < file.Size)
        {
            var (count, failure) = await ReadAsync(body, block, file, cancellationToken).ConfigureAwait(false);
            if (failure is not null)
                return failure;
            count = (int)Math.Min(count, file.Size - stream.Position);
            hash.Add(block.AsSpan(0, count));
            await stream.WriteAsync(block.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
            report(stream.Position);
        }

        return null;
    }

    /// <summary>Reads what comes next, apart from the writing, whose errors have other causes.</summary>
    private async Task<(int Count, HubBusyException? Failure)> ReadAsync(
        Stream body, byte[] block, HubFile file, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(options.Timeout);
        try
        {
            var count = await body.ReadAsync(block, timeout.Token).ConfigureAwait(false);
            return (count, count > 0 ? null : new HubBusyException($"the connection was cut in {Message.Name(file.Path)}"));
        }
        catch (OperationCanceledException error) when (!cancellationToken.IsCancellationRequested)
        {
            return (0, new HubBusyException(
                $"sent nothing of {Message.Name(file.Path)} for {options.Timeout.TotalSeconds} seconds", null, error));
        }
        catch (Exception error) when (error is IOException or HttpRequestException)
        {
            return (0, new HubBusyException($"the connection was cut in {Message.Name(file.Path)}", null, error));
        }
    }
}
