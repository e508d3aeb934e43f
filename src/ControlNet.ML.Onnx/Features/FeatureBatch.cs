namespace ControlNet.ML.Onnx;

/// <summary>Prepared images of one size, which run together; its memory is used again.</summary>
/// <param name="capacity">Number of images that it holds.</param>
internal sealed class FeatureBatch(int capacity)
{
    private float[] _values = [];
    private int[] _shape = [];
    private (int Height, int Width) _size;

    /// <summary>Number of images.</summary>
    public int Count { get; private set; }

    /// <summary>Removes all images.</summary>
    public void Clear() => Count = 0;

    /// <summary>Adds an image.</summary>
    /// <param name="image">[1, 3, height, width]; of the same size as those before.</param>
    /// <param name="channelsLast">Whether it is stored as [1, height, width, 3].</param>
    /// <exception cref="ControlNetException">It has another size.</exception>
    public void Add(TensorData image, bool channelsLast)
    {
        var (height, width) = (image.Shape[2], image.Shape[3]);
        if (_values.Length == 0)
        {
            _values = new float[checked(capacity * image.Count)];
            _shape = channelsLast ? [height, width, 3] : [3, height, width];
            _size = (height, width);
        }

        if ((height, width) != _size)
            throw new ControlNetException(
                $"An image is prepared as {width}x{height}, those before as {_size.Width}x{_size.Height}, expected one size: the "
                    + "preparation must not depend on the image.");

        var target = _values.AsSpan(Count * image.Count, image.Count);
        Count++;
        if (!channelsLast)
        {
            image.Values.CopyTo(target);
            return;
        }

        var plane = width * height;
        for (var i = 0; i < target.Length; i++)
            target[i] = image.Values[(i % 3 * plane) + (i / 3)];
    }

    /// <summary>The images as the graph's input.</summary>
    /// <param name="rows">Number of images that the graph takes, at least as many as there are; the rest is what was there before.</param>
    public TensorData ToTensor(int rows)
    {
        var length = rows * _shape[0] * _shape[1] * _shape[2];
        return new TensorData(length == _values.Length ? _values : _values[..length], [rows, .. _shape]);
    }
}
