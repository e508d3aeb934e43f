namespace ControlNet.ML.Imaging;

/// <summary>A colour on a picture: pixels and spans of a row, cut at the picture's borders.</summary>
internal readonly ref struct Pen
{
    private readonly ImageBuffer _image;
    private readonly ReadOnlySpan<byte> _colour;

    public Pen(ImageBuffer image, ReadOnlySpan<byte> colour)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (colour.Length != image.Channels)
            throw new ArgumentException($"The colour has {colour.Length} samples, the picture is {image}: expected one a channel.", nameof(colour));
        _image = image;
        _colour = colour;
    }

    public long Width => _image.Width;

    public long Height => _image.Height;

    public void Set(long x, long y) => Span(x, x, y);

    /// <summary>Both ends belong to the span; it is empty where the first lies right of the last.</summary>
    public void Span(long first, long last, long y)
    {
        if (y < 0 || y >= Height || last < 0 || first >= Width)
            return;
        (first, last) = (Math.Max(first, 0), Math.Min(last, Width - 1));
        var row = _image.Row((int)y);
        for (var i = (int)first * _colour.Length; i < (last + 1) * _colour.Length; i += _colour.Length)
            _colour.CopyTo(row[i..]);
    }
}
