using ControlNet.ML.Conditions;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.EmojiTraining;

/// <summary>The conditions that networks are trained on.</summary>
internal static class SceneConditions
{
    /// <summary>Their names.</summary>
    public static IReadOnlyList<string> Names { get; } = ["canny", "scribble", "mask"];

    /// <summary>The condition of a scene, grayscale.</summary>
    public static ImageBuffer Make(string name, Scene scene, TorchRandom random) => name switch
    {
        "canny" => Edges(scene.Image, 60 + (20 * random.NextInt64(4))),
        "scribble" => ScribbleOf(scene.Image, random),
        _ => MaskOf(scene),
    };

    /// <summary>Canny edges, with the high threshold twice the low one.</summary>
    public static ImageBuffer Edges(ImageBuffer image, long low) => Canny.Apply(image, new CannyOptions { Low = low, High = 2 * low });

    /// <summary>Mask of the emoji by alpha above a half: 255 the first, 128 the second, 0 the background.</summary>
    public static ImageBuffer MaskOf(Scene scene)
    {
        var mask = new ImageBuffer(Scene.Side, Scene.Side, 1);
        for (var layer = 0; layer < scene.Masks.Count; layer++)
        {
            for (var i = 0; i < mask.Samples.Length; i++)
            {
                if (scene.Masks[layer][i] > 127)
                    mask.Samples[i] = (byte)(layer == 0 ? 255 : 128);
            }
        }

        return mask;
    }

    /// <summary>Edges as if drawn by hand: those of the blurred image, thickened, bent by a smooth random displacement.</summary>
    private static ImageBuffer ScribbleOf(ImageBuffer image, TorchRandom random)
    {
        const int side = Scene.Side;
        var sigma = 1 + Uniform();
        var edges = Canny.Apply(GaussianBlur.Apply(image, sigma), new CannyOptions { Low = 40, High = 100 });
        var thick = Morphology.Dilate(edges, [(0, 0), (-1, 0), (0, -1), (-1, -1)]);
        var amplitude = 0.6 + (1.6 * Uniform());
        var (across, down) = (Smooth(), Smooth());
        var flow = new float[2 * side * side];
        for (var i = 0; i < side * side; i++)
            (flow[2 * i], flow[(2 * i) + 1]) = ((i % side) + (float)(amplitude * across[i]), (i / side) + (float)(amplitude * down[i]));
        var bent = Remap.Apply(thick, flow, side, side);
        for (var i = 0; i < bent.Samples.Length; i++)
            bent.Samples[i] = bent.Samples[i] > 96 ? byte.MaxValue : (byte)0;
        return bent;

        double Uniform()
        {
            Span<double> value = stackalloc double[1];
            random.FillUniform(value);
            return value[0];
        }

        // White noise, blurred, times the width of the blur: a standard deviation of about a quarter of a pixel before the amplitude.
        float[] Smooth()
        {
            const float width = 9;
            var noise = new float[side * side];
            random.FillNormal(noise);
            var smooth = GaussianBlur.Apply(noise, side, side, 1, width);
            for (var i = 0; i < smooth.Length; i++)
                smooth[i] *= width;
            return smooth;
        }
    }
}
