using System.Numerics.Tensors;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx;

/// <summary>How an image is resized to a network's input size.</summary>
public enum PreparationSize
{
    /// <summary>
    /// Stretched to the graph's fixed size, or to <see cref="ImagePreparation.Side"/> squared if the graph's size is dynamic.
    /// </summary>
    Graph,

    /// <summary>controlnet_aux's rule: the shorter side becomes the resolution, both are rounded to multiples of 64.</summary>
    Resolution,

    /// <summary>Not resized, centred in a black square of its longer side.</summary>
    Square,

    /// <summary>
    /// DPT's rule: keeps the aspect ratio, scales by the factor nearer to 1 that takes a side to <see cref="ImagePreparation.Side"/>, and
    /// rounds both sides to multiples of 14.
    /// </summary>
    Proportion14,

    /// <summary>
    /// transformers' rule: the shorter side becomes <see cref="ImagePreparation.Side"/>, the longer at most four times as much. A fixed
    /// size of the graph takes precedence.
    /// </summary>
    Shortest,

    /// <summary>
    /// torchvision's rule for classifiers: scaled so that it covers <see cref="ImagePreparation.Margin"/> times the graph's size (
    /// <see cref="ImagePreparation.Side"/> squared if that is dynamic), keeping the aspect ratio, of which the centre is cut out.
    /// </summary>
    CenterCrop,
}

/// <summary>The library and filter whose resizing is reproduced.</summary>
public enum PreparationFilter
{
    /// <summary>cv2.INTER_LINEAR in 8 bits.</summary>
    OpenCvLinear,

    /// <summary>cv2.INTER_AREA in 8 bits.</summary>
    OpenCvArea,

    /// <summary>cv2.INTER_CUBIC in floats, not clipped.</summary>
    OpenCvCubicFloat,

    /// <summary>torch's bilinear interpolation in floats (align_corners false, no antialiasing).</summary>
    TorchBilinear,

    /// <summary>Pillow's BILINEAR.</summary>
    PillowBilinear,

    /// <summary>Pillow's BICUBIC.</summary>
    PillowBicubic,

    /// <summary>Pillow's LANCZOS.</summary>
    PillowLanczos,
}

/// <summary>Converts an image to a network's input, [1, 3, height, width]: (sample / divisor - mean) / deviation.</summary>
public sealed record ImagePreparation
{
    /// <summary>ImageNet's mean of R, G, B, 0 to 1.</summary>
    public static IReadOnlyList<float> ImageNetMean { get; } = [0.485f, 0.456f, 0.406f];

    /// <summary>ImageNet's standard deviation of R, G, B.</summary>
    public static IReadOnlyList<float> ImageNetDeviation { get; } = [0.229f, 0.224f, 0.225f];

    /// <summary>The rule for the size.</summary>
    /// <value><see cref="PreparationSize.Graph"/>.</value>
    public PreparationSize Size { get; init; } = PreparationSize.Graph;

    /// <summary>The side for graphs with a dynamic size, or the target of the proportional rules, in pixels.</summary>
    /// <value>512.</value>
    public int Side { get; init; } = 512;

    /// <summary>The rows for graphs with a dynamic size, if they differ from <see cref="Side"/>.</summary>
    /// <value>Null.</value>
    public int? SideDown { get; init; }

    /// <summary>For <see cref="PreparationSize.CenterCrop"/>: the scaled size over that which is cut out, at least 1.</summary>
    /// <value>1.</value>
    public double Margin { get; init; } = 1;

    /// <summary>The filter; <see cref="PreparationSize.Resolution"/> has its own (LANCZOS4 up, AREA down).</summary>
    /// <value><see cref="PreparationFilter.OpenCvLinear"/>.</value>
    public PreparationFilter Filter { get; init; } = PreparationFilter.OpenCvLinear;

    /// <summary>The order of the input's channels, which is also that of the mean and the standard deviation.</summary>
    /// <value><see cref="ChannelOrder.Rgb"/>.</value>
    public ChannelOrder Order { get; init; } = ChannelOrder.Rgb;

    /// <summary>The divisor of samples, 0 to 255; 0 divides by the largest sample of the resized image.</summary>
    /// <value>255.</value>
    public float Divisor { get; init; } = 255;

    /// <summary>The mean to subtract after that, per channel.</summary>
    /// <value>0.</value>
    public IReadOnlyList<float> Mean { get; init; } = [0, 0, 0];

    /// <summary>The standard deviation to divide by after that, per channel.</summary>
    /// <value>1.</value>
    public IReadOnlyList<float> Deviation { get; init; } = [1, 1, 1];

    /// <summary>Prepares an image.</summary>
    /// <param name="image">RGB.</param>
    /// <param name="port">The graph's image input.</param>
    /// <param name="resolution">For <see cref="PreparationSize.Resolution"/>.</param>
    /// <returns>The input, [1, 3, H, W].</returns>
    /// <exception cref="ControlNetException">The image is too narrow for the resolution.</exception>
    public TensorData Apply(ImageBuffer image, OnnxPort port, int resolution)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(port);
        var (samples, width, height) = Resized(image, port, resolution);
        var divisor = Divisor > 0 ? Divisor : Math.Max(1, samples.Max());
        var tensor = TensorData.Zeros(1, 3, height, width);
        var plane = width * height;
        for (var c = 0; c < 3; c++)
        {
            var from = Order == ChannelOrder.Bgr ? 2 - c : c;
            var target = tensor.Values.AsSpan(c * plane, plane);
            for (var i = 0; i < plane; i++)
                target[i] = samples[(3 * i) + from];
            TensorPrimitives.Divide(target, divisor, target);
            TensorPrimitives.Subtract(target, Mean[c], target);
            TensorPrimitives.Divide(target, Deviation[c], target);
        }

        return tensor;
    }

    /// <summary>The resized 8-bit image, for filters that resize in 8 bits.</summary>
    internal static ImageBuffer Resize8(ImageBuffer image, int width, int height, PreparationFilter filter) => filter switch
    {
        PreparationFilter.OpenCvLinear => Resize.Apply(image, width, height, Interpolation.Linear),
        PreparationFilter.OpenCvArea => Resize.Apply(image, width, height, Interpolation.Area),
        PreparationFilter.PillowBilinear => PillowResize.Apply(image, width, height, PillowFilter.Bilinear),
        PreparationFilter.PillowBicubic => PillowResize.Apply(image, width, height, PillowFilter.Bicubic),
        PreparationFilter.PillowLanczos => PillowResize.Apply(image, width, height, PillowFilter.Lanczos),
        _ => throw new ArgumentOutOfRangeException(nameof(filter), filter, "Not a filter of 8-bit images."),
    };

    /// <summary>The position of an image in the square of its longer side.</summary>
    /// <exception cref="ControlNetException">The square would have more than 100 million pixels.</exception>
    internal static Window PlaceInSquare(ImageBuffer image)
    {
        var side = Math.Max(image.Width, image.Height);
        return (long)side * side <= WorkingResolution.MostPixels
            ? new Window((side - image.Width) / 2, (side - image.Height) / 2, image.Width, image.Height)
            : throw new ControlNetException(
                $"An image of {image.Width}x{image.Height} in a square would have {side}x{side} pixels, expected at most "
                    + $"{WorkingResolution.MostPixels:N0}: it is too narrow.");
    }

    private (float[] Samples, int Width, int Height) Resized(ImageBuffer image, OnnxPort port, int resolution)
    {
        if (Size == PreparationSize.Resolution)
        {
            var resized = WorkingResolution.ResizeToMultiple64(image, resolution);
            return (Floats(resized), resized.Width, resized.Height);
        }

        if (Size == PreparationSize.Square)
        {
            var place = PlaceInSquare(image);
            var side = Math.Max(image.Width, image.Height);
            var square = new float[checked(3 * side * side)];
            var (own, row) = (Floats(image), 3 * image.Width);
            for (var y = 0; y < image.Height; y++)
                own.AsSpan(y * row, row).CopyTo(square.AsSpan(3 * (((place.Y + y) * side) + place.X)));
            return (square, side, side);
        }

        var (width, height) = Target(image, port);
        if (Size == PreparationSize.CenterCrop)
            return (Floats(CenterCrop(image, width, height)), width, height);
        var samples = Filter switch
        {
            PreparationFilter.OpenCvCubicFloat => KernelResize.Cubic<float>(Floats(image), image.Width, image.Height, 3, width, height),
            PreparationFilter.TorchBilinear => FloatResize.Linear(Floats(image), image.Width, image.Height, 3, width, height),
            _ => Floats(Resize8(image, width, height, Filter)),
        };
        return (samples, width, height);
    }

    private ImageBuffer CenterCrop(ImageBuffer image, int width, int height)
    {
        var (high, wide) = (Math.Round(height * Margin), Math.Round(width * Margin));
        var isWide = (long)image.Width * height >= (long)image.Height * width;
        var (scaledWidth, scaledHeight) = isWide
            ? (Math.Truncate(high * image.Width / image.Height), high)
            : (wide, Math.Truncate(wide * image.Height / image.Width));
        if (scaledWidth * scaledHeight > WorkingResolution.MostPixels)
            throw new ControlNetException(
                $"An image of {image.Width}x{image.Height} would have {scaledWidth:0}x{scaledHeight:0} pixels before its centre is cut "
                    + $"out, expected at most {WorkingResolution.MostPixels:N0}: it is too narrow.");
        var scaled = Resize8(image, Math.Max((int)scaledWidth, width), Math.Max((int)scaledHeight, height), Filter);
        var (left, top) = ((int)Math.Round((scaled.Width - width) / 2.0), (int)Math.Round((scaled.Height - height) / 2.0));
        var cut = new ImageBuffer(width, height, scaled.Channels);
        for (var y = 0; y < height; y++)
            scaled.Row(top + y).Slice(left * scaled.Channels, width * scaled.Channels).CopyTo(cut.Row(y));
        return cut;
    }

    private (int Width, int Height) Target(ImageBuffer image, OnnxPort port)
    {
        if (Size == PreparationSize.Proportion14)
        {
            const int Step = 14;
            var (across, down) = ((double)Side / image.Width, (double)Side / image.Height);
            var scale = Math.Abs(1 - across) < Math.Abs(1 - down) ? across : down;
            return (Rounded(image.Width), Rounded(image.Height));

            int Rounded(int side) => Math.Clamp((int)Math.Round(scale * side / Step), 1, 64 * Side / Step) * Step;
        }

        var (fixedWidth, fixedHeight) = port.Shape is [_, _, var high, var wide] ? (wide, high) : (-1, -1);
        if (Size == PreparationSize.Shortest && fixedWidth < 0 && fixedHeight < 0)
        {
            const int Longest = 4;
            var (shorter, longer) = (Math.Min(image.Width, image.Height), Math.Max(image.Width, image.Height));
            var (low, far) = (Side, (int)Math.Min((long)Side * longer / shorter, int.MaxValue));
            if (far > Longest * Side)
                (low, far) = (Math.Max(1, (int)((long)Longest * Side * low / far)), Longest * Side);
            return image.Width <= image.Height ? (low, far) : (far, low);
        }

        return (fixedWidth > 0 ? fixedWidth : Side, fixedHeight > 0 ? fixedHeight : SideDown ?? Side);
    }

    private static float[] Floats(ImageBuffer image)
    {
        var samples = new float[image.Samples.Length];
        for (var i = 0; i < samples.Length; i++)
            samples[i] = image.Samples[i];
        return samples;
    }
}
