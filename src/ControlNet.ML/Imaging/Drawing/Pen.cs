namespace ControlNet.ML.Imaging;

/// <summary>Draws pixels and spans of a row in one color, clipped to the image.</summary>
internal readonly ref struct Pen
{
    private readonly ImageBuffer _image;
    private readonly ReadOnlySpan<byte> _color;

    public Pen(ImageBuffer image, ReadOnlySpan<byte> color)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (color.Length != image.Channels)
            throw new ArgumentException(
                $"The color has {color.Length} samples, the image is {image}: expected one per channel.", nameof(color));
        _image = image;
        _color = color;
    }

    public long Width => _image.Width;

    public long Height => _image.Height;

    public void Set(long x, long y) => Span(x, x, y);

    /// <summary>Draws a span with both ends included; it is empty if the first is to the right of the last.</summary>
    public void Span(long first, long last, long y)
    {
        if (y < 0 || y >= Height || last < 0 || first >= Width)
            return;
        (first, last) = (Math.Max(first, 0), Math.Min(last, Width - 1));
        var row = _image.Row((int)y);
        for (var i = (int)first * _color.Length; i < (last + 1) * _color.Length; i += _color.Length)
            _color.CopyTo(row[i..]);
    }
}
