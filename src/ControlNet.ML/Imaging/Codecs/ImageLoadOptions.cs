namespace ControlNet.ML.Imaging;

/// <summary>Limits for image files.</summary>
public sealed record ImageLoadOptions
{
    /// <summary>Maximum number of pixels, checked in the header before anything is allocated: 1 to 500 million.</summary>
    /// <value>100 million.</value>
    public long MaxPixels { get; init; } = 100_000_000;

    /// <summary>Maximum size of the file in bytes, at least 1.</summary>
    /// <value>256 MiB.</value>
    public int MaxBytes { get; init; } = 256 << 20;

    /// <summary>Throws if a limit is out of range.</summary>
    internal void Check()
    {
        if (MaxPixels is < 1 or > 500_000_000)
            throw new ControlNetException($"{nameof(MaxPixels)} is {MaxPixels}, expected 1 to 500000000.");
        if (MaxBytes < 1)
            throw new ControlNetException($"{nameof(MaxBytes)} is {MaxBytes}, expected at least 1.");
    }
}
