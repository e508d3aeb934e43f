using ControlNet.ML.Conditions;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Imaging;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Pipelines;

/// <summary>What denoising starts from: noise, or an image.</summary>
/// <param name="Noise">[1, C, h, w], of unit variance.</param>
/// <param name="Image">The image's latents; null if it is only used for <paramref name="ExtraChannels"/>.</param>
/// <param name="ExtraChannels">
/// UNet input channels concatenated to the latents (mask and masked-image latents, or depth), [1, E, h, w], or null.
/// </param>
internal sealed record StartingLatents(TensorData Noise, RowImage? Image, TensorData? ExtraChannels);

/// <summary>Prepares what denoising starts from, drawing random numbers in the order of diffusers' pipelines.</summary>
internal static class PrepareLatents
{
    /// <summary>Draws noise, and encodes the initial image.</summary>
    /// <param name="model">The model; it takes the input (<see cref="ModelRequirements.CheckInputs"/>).</param>
    /// <param name="input">The initial image, with its mask, depths and strength; null for noise alone.</param>
    /// <param name="random">The random numbers of the seed.</param>
    /// <param name="givenNoise">Noise that replaces the seed's, or null.</param>
    /// <param name="width">Width of the result in pixels.</param>
    /// <param name="height">Height of the result in pixels.</param>
    /// <exception cref="ArgumentException">A tensor's size differs from the result's.</exception>
    /// <exception cref="ControlNetException">The depths are not finite.</exception>
    public static StartingLatents For(
        DiffusionModel model, ImageInput? input, TorchRandom random, TensorData? givenNoise, int width, int height)
    {
        if (input is null)
            return new StartingLatents(givenNoise ?? Noise(model, random, width, height), null, null);
        var pixels = Pixels(input, width, height);
        var mask = input.Mask is { } image ? Inpaint.MaskToTensor(image, width, height) : null;
        var fromNoise = mask is not null && input.StrengthOrDefault == 1;
        var inpaints = model.Folder.Task == ModelTask.Inpainting;

        // 1. the image: a sample of its posterior, unless only the UNet's extra channels use it
        var latents = fromNoise && inpaints ? null : Encode(model, pixels, random);

        // 2. the noise
        var noise = givenNoise ?? Noise(model, random, width, height);
        var scale = model.Folder.Autoencoder.ScaleFactor;
        var latentMask = mask is null ? null : Nearest(mask, scale);

        // 3. the masked image, for which diffusers draws random numbers even if no UNet uses it
        var extra = input.Depth is { } depth ? Depths(depth, width / scale, height / scale) : null;
        if (mask is not null && inpaints)
            extra = Concatenate(latentMask!, Encode(model, Masked(pixels, mask), random));
        else if (mask is not null)
            random.FillNormal(new float[noise.Count]);

        var begin = latents is null
            ? null
            : new RowImage(latents, input.StrengthOrDefault) { BeginsFromNoise = fromNoise, Mask = inpaints ? null : latentMask };
        return new StartingLatents(noise, begin, extra);
    }

    /// <summary>Noise of unit variance, [1, C, h, w].</summary>
    private static TensorData Noise(DiffusionModel model, TorchRandom random, int width, int height)
    {
        var scale = model.Folder.Autoencoder.ScaleFactor;
        var noise = TensorData.Zeros(1, model.Folder.Autoencoder.LatentChannels, height / scale, width / scale);
        random.FillNormal(noise.Values);
        return noise;
    }

    /// <summary>[1, 3, H, W] from -1 to 1.</summary>
    private static TensorData Pixels(ImageInput input, int width, int height)
    {
        if (input.Tensor is not { } tensor)
            return TensorImages.ToSigned(TensorImages.Prepare(Color.Rgb(input.Image!), width, height));
        if (tensor.Shape[2] != height || tensor.Shape[3] != width)
            throw new ArgumentException($"The initial image is {tensor}, expected [1, 3, {height}, {width}].");
        return new TensorData(Array.ConvertAll(tensor.Values, value => (2 * value) - 1), tensor.Shape);
    }

    /// <summary>Latents of an image: a sample of its posterior, scaled for the scheduler.</summary>
    private static TensorData Encode(DiffusionModel model, TensorData pixels, TorchRandom random)
    {
        var (mean, logVariance) = model.Backend.EncodeImage(pixels);
        var latents = TensorData.Zeros(mean.Shape);
        random.FillNormal(latents.Values);
        DiagonalGaussian.Sample(model.Folder.Autoencoder, mean.Values, logVariance.Values, latents.Values);
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

    /// <summary>The image with the masked part set to middle grey.</summary>
    private static TensorData Masked(TensorData pixels, TensorData mask)
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
            throw new ControlNetException("The depths have values that are not finite, expected finite numbers.");
        var span = most - least;
        return new TensorData(Array.ConvertAll(values, value => span == 0 ? 0 : (2 * (value - least) / span) - 1), 1, 1, height, width);
    }

    private static TensorData Concatenate(TensorData first, TensorData second) =>
        new([.. first.Values, .. second.Values], 1, first.Shape[1] + second.Shape[1], first.Shape[2], first.Shape[3]);
}
