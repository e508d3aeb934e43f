namespace ControlNet.ML.Imaging;

/// <summary>
/// Pillow's ImageFilter.GaussianBlur, with which diffusers softens inpainting masks: not a Gaussian, but three box blurs along the rows and
/// then three along the columns, each in 24-bit fixed point, with fractional ends and repeated image edges.
/// </summary>
public static class PillowGaussianBlur
{
    private const int Passes = 3;
    private const uint One = 1 << 24;

    /// <summary>Blurs an image.</summary>
    /// <param name="image">The image; its channels are independent.</param>
    /// <param name="radius">Standard deviation in pixels, 0 to 1,000; 0 changes nothing.</param>
    /// <returns>A new image of the same size.</returns>
    /// <exception cref="ControlNetException">The radius is out of range.</exception>
    public static ImageBuffer Apply(ImageBuffer image, double radius)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (!(radius is >= 0 and <= 1000))
        {
            throw new ControlNetException(string.Create(
                System.Globalization.CultureInfo.InvariantCulture, $"The blur's radius is {radius}, expected 0 to 1,000."));
        }

        var result = new ImageBuffer(image.Width, image.Height, image.Channels, (byte[])image.Samples.Clone());
        if (radius == 0)
            return result;
        var box = new Box(BoxRadius((float)radius));
        var (row, column) = (image.Width * image.Channels, image.Channels);
        for (var channel = 0; channel < image.Channels; channel++)
        {
            for (var y = 0; y < image.Height; y++)
                box.Blur(result.Samples, (y * row) + channel, column, image.Width);
            for (var x = 0; x < image.Width; x++)
                box.Blur(result.Samples, (x * column) + channel, row, image.Height);
        }

        return result;
    }

    /// <summary>The radius of the box blur that, applied three times, has the Gaussian's variance; in float32 as in Pillow.</summary>
    private static float BoxRadius(float radius)
    {
        var variance = radius * radius / Passes;
        var length = (float)Math.Sqrt((12.0 * variance) + 1.0);
        var whole = (float)Math.Floor((length - 1.0) / 2.0);
        var fraction = ((2 * whole) + 1) * ((whole * (whole + 1)) - (3 * variance));
        fraction /= 6 * (variance - ((whole + 1) * (whole + 1)));
        return whole + fraction;
    }

    /// <summary>A box of 2 radius + 1 pixels, of which the two outermost are weighted by the fraction of the radius.</summary>
    private sealed class Box
    {
        private readonly int _radius;
        private readonly uint _inside;
        private readonly uint _ends;
        private byte[] _from = [];
        private byte[] _to = [];

        public Box(float radius)
        {
            _radius = (int)radius;
            _inside = (uint)(One / ((radius * 2) + 1));
            _ends = (One - (((uint)(_radius * 2) + 1) * _inside)) / 2;
        }

        /// <summary>Blurs one row or column of samples in place, three times.</summary>
        public void Blur(byte[] samples, int start, int step, int count)
        {
            if (_from.Length < count)
                (_from, _to) = (new byte[count], new byte[count]);
            for (var i = 0; i < count; i++)
                _from[i] = samples[start + (i * step)];
            for (var pass = 0; pass < Passes; pass++)
            {
                Once(_from.AsSpan(0, count), _to);
                (_from, _to) = (_to, _from);
            }

            for (var i = 0; i < count; i++)
                samples[start + (i * step)] = _from[i];
        }

        private void Once(ReadOnlySpan<byte> line, Span<byte> result)
        {
            var last = line.Length - 1;
            uint sum = 0;
            for (var k = -_radius; k <= _radius; k++)
                sum += line[Math.Clamp(k, 0, last)];
            for (var x = 0; x <= last; x++)
            {
                var ends = (uint)line[Math.Max(x - _radius - 1, 0)] + line[Math.Min(x + _radius + 1, last)];
                result[x] = (byte)(((sum * _inside) + (ends * _ends) + (One / 2)) >> 24);
                sum += (uint)line[Math.Min(x + _radius + 1, last)] - line[Math.Max(x - _radius, 0)];
            }
        }
    }
}
