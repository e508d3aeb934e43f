namespace ControlNet.ML.Imaging;

/// <summary>Weighted sums of images.</summary>
internal static class Blend
{
    /// <summary>cv2.addWeighted: a · alpha + b · beta + gamma in float32, rounded half to even and limited to 0 to 255.</summary>
    /// <param name="a">The first image.</param>
    /// <param name="alpha">Its weight.</param>
    /// <param name="b">The second image, of the same size and channels.</param>
    /// <param name="beta">Its weight.</param>
    /// <param name="gamma">Added to every sample.</param>
    /// <returns>A new image.</returns>
    public static ImageBuffer AddWeighted(ImageBuffer a, float alpha, ImageBuffer b, float beta, float gamma = 0)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        if ((a.Width, a.Height, a.Channels) != (b.Width, b.Height, b.Channels))
            throw new ArgumentException($"The images are {a} and {b}, expected both alike.", nameof(b));
        var result = new ImageBuffer(a.Width, a.Height, a.Channels);
        AddWeighted(a.Samples, alpha, b.Samples, beta, gamma, result.Samples);
        return result;
    }

    /// <summary>The same for samples; the target may be one of the sources.</summary>
    internal static void AddWeighted(ReadOnlySpan<byte> a, float alpha, ReadOnlySpan<byte> b, float beta, float gamma, Span<byte> target)
    {
        for (var i = 0; i < target.Length; i++)
            target[i] = (byte)Math.Clamp(MathF.Round((a[i] * alpha) + (b[i] * beta) + gamma), 0, 255);
    }
}
