namespace ControlNet.ML.Weights;

/// <summary>
/// The SHA-256 of a weight file, by which images name the weights that they were made with. It is computed while the networks load and
/// generate; those of large files are kept in the user's cache, so that only the first use of a file reads all of it.
/// </summary>
internal sealed class WeightHash : IDisposable
{
    // Smaller files are read in less time than a cache takes.
    private const long SmallestCached = 1 << 26;

    private readonly CancellationTokenSource _stop = new();
    private readonly Task<string?> _hash;

    /// <param name="find">Finds the file; null if there is none, or if the weights are in several.</param>
    public WeightHash(Func<string?> find)
    {
        var stop = _stop.Token;
        _hash = Task.Run(() => Compute(find, stop), CancellationToken.None);
    }

    /// <summary>The hash, in hexadecimal, as soon as it is there; null if the file is gone, or there is none.</summary>
    public string? Value => _hash.GetAwaiter().GetResult();

    /// <summary>Stops the reading.</summary>
    public void Dispose() => _stop.Cancel();

    private static string? Compute(Func<string?> find, CancellationToken stop)
    {
        try
        {
            return find() is not { } file ? null
                : LinkedFile.Of(file).Length < SmallestCached ? WeightReference.Digest(file)
                : DigestCache.OfUser.Of(file, stop);
        }
        catch (Exception error) when (
            error is ControlNetException or IOException or UnauthorizedAccessException or OperationCanceledException)
        {
            return null;
        }
    }
}
