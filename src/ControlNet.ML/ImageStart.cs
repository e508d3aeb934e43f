using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using ControlNet.ML.Conditions;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Imaging;

namespace ControlNet.ML;

/// <summary>What denoising begins from: noise, or an image. Numbers are drawn in the order of diffusers' pipelines.</summary>
/// <param name="Noise">[1, C, h, w], of unit variance.</param>
/// <param name="Image">The image; null where nothing of it but <paramref name="Beside"/> is used.</param>
/// <param name="Beside">What the UNet sees beside the latents, [1, E, h, w], or null.</param>
internal sealed record ImageStart(TensorData Noise, RowImage? Image, TensorData? Beside)
{
    /// <summary>Draws noise, and prepares an image.</summary>
    /// <param name="model">The model, which takes what is given (<see cref="GenerationParts.CheckInputs(DiffusionModel, bool, bool)"/>).</param>
    /// <param name="input">The image, and what belongs to it; null for noise alone.</param>
    /// <param name="random">The seed's numbers.</param>
    /// <param name="given">Noise in place of the seed's, or null.</param>
    /// <param name="width">Columns of the result.</param>
    /// <param name="height">Rows of the result.</param>
    public static ImageStart Of(DiffusionModel model, ImageInput? input, TorchRandom random, TensorData? given, int width, int height)
    {
        if (input is null)
            return new ImageStart(given ?? GenerationParts.Noise(model, random, width, height), null, null);
        var pixels = Pixels(input, width, height);
        var mask = input.Mask is { } picture ? Inpaint.MaskToTensor(picture, width, height) : null;
        var fromNoise = mask is not null && input.StrengthOrDefault == 1;
        var seesMask = model.Folder.UNet.InChannels == (2 * model.Folder.Autoencoder.LatentChannels) + 1;

        // 1. the image: a draw from its posterior, unless it is seen beside the latents only
        var latents = fromNoise && seesMask ? null : Draw(model, pixels, random);

        // 2. the noise
        var noise = given ?? GenerationParts.Noise(model, random, width, height);
        var scale = model.Folder.Autoencoder.ScaleFactor;
        var small = mask is null ? null : Nearest(mask, scale);

        // 3. the image without what the mask covers; diffusers draws for it even where no UNet sees it
        var beside = input.Depth is { } depth ? Depths(depth, width / scale, height / scale) : null;
        if (mask is not null && seesMask)
            beside = Stack(small!, Draw(model, Uncovered(pixels, mask), random));
        else if (mask is not null)
            random.FillNormal(new float[noise.Count]);

        var image = latents is null ? null : new RowImage(latents, input.StrengthOrDefault) { BeginsFromNoise = fromNoise, Mask = seesMask ? null : small };
        return new ImageStart(noise, image, beside);
    }

    /// <summary>What of it belongs to an image's provenance.</summary>
    public static IEnumerable<(string Key, string Value)> Describe(ImageInput input)
    {
        yield return ("image_strength", input.StrengthOrDefault.ToString(CultureInfo.InvariantCulture));
        yield return ("image_pixels_sha256", input.Tensor is { } tensor ? Hash(tensor.Values) : Convert.ToHexStringLower(SHA256.HashData(input.Image.Samples)));
        if (input.Mask is { } mask)
            yield return ("mask_pixels_sha256", Convert.ToHexStringLower(SHA256.HashData(mask.Samples)));
        if (input.Depth is { } depth)
            yield return ("depth_values_sha256", Hash(depth.Values));
    }

    private static string Hash(ReadOnlySpan<float> values) => Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(values)));

    /// <summary>[1, 3, H, W] from -1 to 1.</summary>
    private static TensorData Pixels(ImageInput input, int width, int height)
    {
        if (input.Tensor is not { } tensor)
            return TensorImages.ToSigned(TensorImages.Prepare(Color.Rgb(input.Image), width, height));
        if (tensor.Shape[2] != height || tensor.Shape[3] != width)
            throw new ArgumentException($"The image to begin from is {tensor}, expected [1, 3, {height}, {width}].");
        return new TensorData(Array.ConvertAll(tensor.Values, value => (2 * value) - 1), tensor.Shape);
    }

    /// <summary>A draw from the posterior, scaled as the sampler has latents.</summary>
    private static TensorData Draw(DiffusionModel model, TensorData pixels, TorchRandom random)
    {
        var (mean, logVariance) = model.Backend.EncodeImage(pixels);
        var latents = TensorData.Zeros(mean.Shape);
        random.FillNormal(latents.Values);
        PosteriorDraw.Apply(model.Folder.Autoencoder, mean.Values, logVariance.Values, latents.Values);
        return latents;
    }

    /// <summary>Every factor-th value of every factor-th row, as torch's nearest interpolation.</summary>
    private static TensorData Nearest(TensorData mask, int factor)
    {
        var (height, width) = (mask.Shape[2] / factor, mask.Shape[3] / factor);
        var result = TensorData.Zeros(1, 1, height, width);
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
                result.Values[(y * width) + x] = mask.Values[(y * factor * mask.Shape[3]) + (x * factor)];
        }

        return result;
    }

    /// <summary>The image with middle grey where the mask is.</summary>
    private static TensorData Uncovered(TensorData pixels, TensorData mask)
    {
        var result = pixels.Clone();
        for (var i = 0; i < result.Count; i++)
        {
            if (mask.Values[i % mask.Count] >= 0.5f)
                result.Values[i] = 0;
        }

        return result;
    }

    /// <summary>Depths at the latents' size, from -1 (farthest) to 1.</summary>
    private static TensorData Depths(FloatMap depth, int width, int height)
    {
        var values = FloatResize.Cubic(depth.Values, depth.Width, depth.Height, width, height);
        var (least, most) = (values.Min(), values.Max());
        if (!float.IsFinite(least) || !float.IsFinite(most))
            throw new ControlNetException("The depths have values that are no numbers, expected finite ones.");
        var span = most - least;
        return new TensorData(Array.ConvertAll(values, value => span == 0 ? 0 : (2 * (value - least) / span) - 1), 1, 1, height, width);
    }

    private static TensorData Stack(TensorData first, TensorData second) =>
        new([.. first.Values, .. second.Values], 1, first.Shape[1] + second.Shape[1], first.Shape[2], first.Shape[3]);
}
