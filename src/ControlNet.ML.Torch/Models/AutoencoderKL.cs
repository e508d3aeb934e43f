using ControlNet.ML.Configuration;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>The autoencoder between images and latents, eight times smaller in the usual models.</summary>
internal sealed class AutoencoderKL : Module
{
    public readonly AutoencoderEncoder encoder;
    public readonly AutoencoderDecoder decoder;
    public readonly Convolution? quant_conv;
    public readonly Convolution? post_quant_conv;

    public AutoencoderKL(AutoencoderConfig config)
        : base(nameof(AutoencoderKL))
    {
        encoder = new AutoencoderEncoder(config);
        decoder = new AutoencoderDecoder(config);
        quant_conv = config.UseQuantConv ? new Convolution(config.LatentChannels * 2, config.LatentChannels * 2, kernel: 1) : null;
        post_quant_conv = config.UsePostQuantConv ? new Convolution(config.LatentChannels, config.LatentChannels, kernel: 1) : null;
        RegisterComponents();
    }

    /// <param name="image">[N, 3, H, W], from -1 to 1.</param>
    /// <returns>
    /// Mean and log-variance (clamped to -30..20) of the posterior, [N, latent_channels, H/8, W/8] each, without the scaling factor.
    /// </returns>
    public (Tensor Mean, Tensor LogVariance) Encode(Tensor image) => Posterior(encoder.forward(image));

    /// <param name="latents">[N, latent_channels, h, w], without the scaling factor.</param>
    /// <returns>[N, 3, 8h, 8w], about -1 to 1.</returns>
    public Tensor Decode(Tensor latents) => decoder.forward(Latents(latents));

    /// <summary>The posterior's mean and log-variance of the encoder's output.</summary>
    public (Tensor Mean, Tensor LogVariance) Posterior(Tensor moments)
    {
        moments = quant_conv?.forward(moments) ?? moments;
        var halves = moments.chunk(2, dim: 1);
        return (halves[0], halves[1].Between(-30, 20));
    }

    /// <summary>The decoder's input.</summary>
    public Tensor Latents(Tensor latents) => post_quant_conv?.forward(latents) ?? latents;
}
