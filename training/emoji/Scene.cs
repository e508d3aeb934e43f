using ControlNet.ML.Diffusion;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.EmojiTraining;

/// <summary>A scene: one or two emoji on a background, with a caption and the emoji's masks.</summary>
/// <param name="Image">The image, 128x128.</param>
/// <param name="Caption">Names, style and background, as in a prompt.</param>
/// <param name="Masks">Each emoji's opacity, 0 to 255, back to front.</param>
internal sealed record Scene(ImageBuffer Image, string Caption, IReadOnlyList<byte[]> Masks)
{
    /// <summary>Width and height of a scene in pixels.</summary>
    public const int Side = 128;

    /// <summary>A plain scene: the emoji at full size on white, not mirrored, with its name and style as caption.</summary>
    public static Scene Plain(EmojiArt art, int row)
    {
        var canvas = new Canvas(255, 255, 255);
        canvas.Put(art.Image(row), Side, 0, 0, mirrored: false);
        return new Scene(canvas.ToImage(), art.Rows[row].Caption, canvas.Masks);
    }

    /// <summary>A scene of the mirrored emoji at full size on a color.</summary>
    public static Scene Mirrored(EmojiArt art, int row, (string Name, int Red, int Green, int Blue) background)
    {
        var canvas = new Canvas(background.Red, background.Green, background.Blue);
        canvas.Put(art.Image(row), Side, 0, 0, mirrored: true);
        return new Scene(canvas.ToImage(), $"{art.Rows[row].Caption}, {background.Name} background", canvas.Masks);
    }

    /// <summary>A random scene, made like the embedded model's own training data: half plain, a third on a color, the rest pairs.</summary>
    /// <param name="art">The art.</param>
    /// <param name="weights">Sampling weights of the rows.</param>
    /// <param name="random">Source of everything random.</param>
    public static Scene Random(EmojiArt art, RowWeights weights, TorchRandom random)
    {
        var layout = Uniform(random);
        var first = weights.Draw(Uniform(random));
        var row = art.Rows[first];
        string? background = null;
        var color = (R: 255.0, G: 255.0, B: 255.0);
        if (layout >= 0.5 && Uniform(random) < 0.8)
        {
            var (name, red, green, blue) = Backgrounds.All[(int)random.NextInt64(Backgrounds.All.Count)];
            background = name;
            color = (red, green, blue);
        }

        // White stays exactly white.
        var jitter = background is null or "white" ? 0 : 12;
        var canvas = new Canvas(Jitter(color.R), Jitter(color.G), Jitter(color.B));
        string head;
        if (layout < 0.5)
        {
            Put(first, Side, 0, 0);
            head = Head(row, random);
        }
        else if (layout < 0.85)
        {
            var size = (int)(Side * Between(0.55, 1));
            Put(first, size, Whole(0, Side - size), Whole(0, Side - size));
            head = Head(row, random);
        }
        else
        {
            var others = art.Styles[row.Style];
            var second = others[(int)random.NextInt64(others.Length)];
            var (left, right) = ((int)(Side * Between(0.42, 0.6)), (int)(Side * Between(0.42, 0.6)));
            Put(first, left, Whole(0, Math.Max(1, (Side / 2) - (left / 2) - 4)), Whole(0, Side - left));
            Put(second, right, Side - right - Whole(0, Math.Max(0, Side - right - (Side / 2) + 8)), Whole(0, Side - right));
            head = $"{row.Name} left of {art.Rows[second].Name}";
        }

        List<string> parts = [head];
        if (Uniform(random) < 0.92)
            parts.Add(row.Style);
        if (background is not null and not "white" && Uniform(random) < 0.9)
            parts.Add($"{background} background");
        return new Scene(canvas.ToImage(), string.Join(", ", parts), canvas.Masks);

        void Put(int what, int size, int x, int y) => canvas.Put(art.Image(what), size, x, y, Uniform(random) < 0.5);

        double Jitter(double level) => Math.Clamp(level + (jitter * Between(-1, 1)), 0, 255);

        double Between(double low, double high) => low + ((high - low) * Uniform(random));

        int Whole(int low, int high) => low + (int)random.NextInt64(Math.Max(1, high - low + 1));
    }

    /// <summary>Usually the name, sometimes keywords.</summary>
    private static string Head(EmojiRow row, TorchRandom random)
    {
        if (row.Keywords.Length == 0 || Uniform(random) >= 0.15)
            return row.Name;
        var count = Math.Min(row.Keywords.Length, 1 + (int)random.NextInt64(3));
        return string.Join(", ", random.Permutation(row.Keywords.Length).Take(count).Select(i => row.Keywords[i]));
    }

    private static double Uniform(TorchRandom random)
    {
        Span<double> value = stackalloc double[1];
        random.FillUniform(value);
        return value[0];
    }

    /// <summary>A background with emoji on it.</summary>
    private sealed class Canvas
    {
        private readonly float[] _levels = new float[Side * Side * 3];

        public Canvas(double red, double green, double blue)
        {
            for (var i = 0; i < _levels.Length; i += 3)
                (_levels[i], _levels[i + 1], _levels[i + 2]) = ((float)red, (float)green, (float)blue);
        }

        public List<byte[]> Masks { get; } = [];

        public void Put(ImageBuffer art, int size, int left, int top, bool mirrored)
        {
            var scaled = size == art.Width && size == art.Height
                ? art
                : PillowResize.Apply(art, size, size, size < art.Width ? PillowFilter.Lanczos : PillowFilter.Bicubic);
            var mask = new byte[Side * Side];
            for (var y = Math.Max(0, -top); y < Math.Min(size, Side - top); y++)
            {
                var source = scaled.Row(y);
                for (var x = Math.Max(0, -left); x < Math.Min(size, Side - left); x++)
                {
                    var pixel = source.Slice((mirrored ? size - 1 - x : x) * 4, 4);
                    var at = ((top + y) * Side) + left + x;
                    var alpha = pixel[3] / 255f;
                    mask[at] = pixel[3];
                    for (var c = 0; c < 3; c++)
                        _levels[(at * 3) + c] = (_levels[(at * 3) + c] * (1 - alpha)) + (pixel[c] * alpha);
                }
            }

            Masks.Add(mask);
        }

        public ImageBuffer ToImage()
        {
            var image = new ImageBuffer(Side, Side, 3);
            for (var i = 0; i < _levels.Length; i++)
                image.Samples[i] = (byte)MathF.Round(Math.Clamp(_levels[i], 0, 255));
            return image;
        }
    }
}
