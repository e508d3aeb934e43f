using ControlNet.ML.Imaging;

namespace ControlNet.ML.Tests.Imaging;

/// <summary>The rules of cv2.resize for 8-bit images, sample by sample: what the fast code must equal.</summary>
internal static class ResizeModel
{
    private delegate float[] Kernel(float fraction);

    public static byte[] Apply(ImageBuffer image, int width, int height, Interpolation interpolation)
    {
        if ((width, height) == (image.Width, image.Height))
            return image.Samples;
        var shrinks = width <= image.Width && height <= image.Height;
        var halves = width * 2 == image.Width && height * 2 == image.Height;
        return interpolation switch
        {
            Interpolation.Nearest => Fill(image, width, height, (x, y, c, _) => Sample(image, (int)(x * Scale(image.Width, width)), (int)(y * Scale(image.Height, height)), c)),
            Interpolation.Area when shrinks => Area(image, width, height),
            Interpolation.Linear when halves => Area(image, width, height),
            Interpolation.Linear => Taps(image, width, height, Centred, TwoTaps, [Outside, _ => false], Truncated),
            Interpolation.Area => Taps(image, width, height, Corner, TwoTaps, [p => p >= image.Width - 1, _ => false], Truncated),
            Interpolation.Cubic => Taps(image, width, height, Centred, FourTaps, [_ => false, _ => false], (r, w, i) => i < (width * image.Channels & ~7) ? Floats(r, w) : Integers(r, w)),
            _ => Taps(image, width, height, Centred, EightTaps, [_ => false, _ => false], (r, w, _) => Integers(r, w)),
        };

        bool Outside(int position) => position < 0 || position >= image.Width - 1;
    }

    private static double Scale(int source, int target) => 1 / ((double)target / source);

    private static byte[] Fill(ImageBuffer image, int width, int height, Func<int, int, int, int, int> sample)
    {
        var result = new byte[width * height * image.Channels];
        for (var i = 0; i < result.Length; i++)
        {
            var (y, inRow) = Math.DivRem(i, width * image.Channels);
            result[i] = (byte)Math.Clamp(sample(inRow / image.Channels, y, inRow % image.Channels, inRow), 0, 255);
        }

        return result;
    }

    private static byte Sample(ImageBuffer image, int x, int y, int channel) =>
        image.Samples[(((Math.Clamp(y, 0, image.Height - 1) * image.Width) + Math.Clamp(x, 0, image.Width - 1)) * image.Channels) + channel];

    private static byte[] Taps(
        ImageBuffer image, int width, int height, Func<int, double, (int, float)> locate, Kernel kernel, Func<int, bool>[] isFlat, Func<int[], int[], int, int> blend)
    {
        var columns = Enumerable.Range(0, width).Select(x => At(x, Scale(image.Width, width), isFlat[0])).ToArray();
        var rows = Enumerable.Range(0, height).Select(y => At(y, Scale(image.Height, height), isFlat[1])).ToArray();
        return Fill(image, width, height, (x, y, c, i) =>
        {
            var (left, across) = columns[x];
            var (top, down) = rows[y];
            return blend([.. down.Select((_, k) => across.Select((weight, j) => weight * Sample(image, left + j, top + k, c)).Sum())], down, i);
        });

        (int, int[]) At(int target, double scale, Func<int, bool> flat)
        {
            var (position, fraction) = locate(target, scale);
            int[] weights = [.. kernel(flat(position) ? 0 : fraction).Select(weight => (int)MathF.Round(weight * 2048))];
            return (position + 1 - (weights.Length / 2), weights);
        }
    }

    private static (int, float) Centred(int target, double scale)
    {
        var at = (float)(((target + 0.5) * scale) - 0.5);
        return ((int)MathF.Floor(at), at - MathF.Floor(at));
    }

    private static (int, float) Corner(int target, double scale)
    {
        var position = (int)Math.Floor(target * scale);
        var fraction = (float)(target + 1 - ((position + 1) * (1 / scale)));
        return (position, fraction <= 0 ? 0 : fraction - MathF.Floor(fraction));
    }

    private static float[] TwoTaps(float f) => [1 - f, f];

    private static float[] FourTaps(float f)
    {
        const float A = -0.75f;
        var (near, far) = (f + 1, 1 - f);
        var first = (((((A * near) - (5 * A)) * near) + (8 * A)) * near) - (4 * A);
        var second = ((((A + 2) * f) - (A + 3)) * f * f) + 1;
        var third = ((((A + 2) * far) - (A + 3)) * far * far) + 1;
        return [first, second, third, 1f - first - second - third];
    }

    private static float[] EightTaps(float f)
    {
        var half = Math.Sqrt(0.5);
        double[] ofSine = [1, -half, 0, half, -1, half, 0, -half], ofCosine = [0, -half, 1, -half, 0, half, -1, half];
        var (sine, cosine) = Math.SinCos(-(f + 3) * Math.PI * 0.25);
        var weights = new float[8];
        for (var i = 0; i < 8; i++)
        {
            var angle = -(f + 3 - i) * Math.PI * 0.25;
            weights[i] = Math.Abs(f + 3 - i) < 1e-6f ? 1e30f : (float)(((ofSine[i] * sine) + (ofCosine[i] * cosine)) / (angle * angle));
        }

        var sum = 0f;
        foreach (var weight in weights)
            sum += weight;
        return [.. weights.Select(weight => weight * (1f / sum))];
    }

    private static int Truncated(int[] rows, int[] weights, int i) => (((weights[0] * (rows[0] >> 4)) >> 16) + ((weights[1] * (rows[1] >> 4)) >> 16) + 2) >> 2;

    private static int Floats(int[] rows, int[] weights)
    {
        float[] unit = [.. weights.Select(weight => weight * (1f / (1 << 22)))];
        return (int)MathF.Round((rows[0] * unit[0]) + ((rows[1] * unit[1]) + ((rows[2] * unit[2]) + (rows[3] * unit[3]))));
    }

    private static int Integers(int[] rows, int[] weights) => (rows.Zip(weights, (row, weight) => row * weight).Sum() + (1 << 21)) >> 22;

    private static byte[] Area(ImageBuffer image, int width, int height)
    {
        if (image.Width % width == 0 && image.Height % height == 0)
        {
            var (across, down) = (image.Width / width, image.Height / height);
            return Fill(image, width, height, (x, y, c, _) =>
            {
                var sum = Enumerable.Range(0, across * down).Sum(i => Sample(image, (x * across) + (i % across), (y * down) + (i / across), c));
                return across == 2 && down == 2 ? (sum + 2) >> 2 : (int)MathF.Round(sum * (1f / (across * down)));
            });
        }

        return Fill(image, width, height, (x, y, c, _) =>
        {
            var sum = 0f;
            foreach (var (row, down) in Cells(image.Height, height, y))
            {
                var line = 0f;
                foreach (var (column, across) in Cells(image.Width, width, x))
                    line += Sample(image, column, row, c) * across;
                sum += line * down;
            }

            return (int)MathF.Round(sum);
        });
    }

    private static IEnumerable<(int Source, float Weight)> Cells(int source, int target, int t)
    {
        var scale = Scale(source, target);
        var (start, end) = (t * scale, (t * scale) + scale);
        var width = Math.Min(scale, source - start);
        var last = Math.Min((int)Math.Floor(end), source - 1);
        var first = Math.Min((int)Math.Ceiling(start), last);
        if (first - start > 1e-3)
            yield return (first - 1, (float)((first - start) / width));
        for (var s = first; s < last; s++)
            yield return (s, (float)(1 / width));
        if (end - last > 1e-3)
            yield return (last, (float)(Math.Min(Math.Min(end - last, 1), width) / width));
    }
}
