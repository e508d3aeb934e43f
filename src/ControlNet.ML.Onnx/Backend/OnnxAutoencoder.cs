using ControlNet.ML.Configuration;
using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx;

/// <summary>The two halves of an autoencoder.</summary>
/// <param name="decoder">The decoder; disposed with this.</param>
/// <param name="encoder">The encoder; null if the model has none. Its weights are loaded with the first image.</param>
/// <param name="config">The configuration.</param>
internal sealed class OnnxAutoencoder(OnnxNetwork decoder, OnnxNetwork? encoder, AutoencoderConfig config) : IDisposable
{
    // The logarithm of a variance of almost nothing: of latents that are drawn already.
    private const float NoVariance = -30;

    /// <summary>The decoder.</summary>
    public OnnxNetwork Decoder => decoder;

    /// <summary>Decodes latents to images.</summary>
    public TensorData Decode(TensorData latents) => Run(decoder, latents, config.LatentChannels);

    /// <summary>Encodes an image: mean and log-variance, or the latents that the graph has drawn of them, and no variance.</summary>
    /// <exception cref="ControlNetException">There is no encoder.</exception>
    public (TensorData Mean, TensorData LogVariance) Encode(TensorData image)
    {
        if (encoder is null)
            throw new ControlNetException("The model has no vae_encoder/model.onnx, so it cannot start from an image: expected none.");
        var result = Run(encoder, image, config.InChannels);
        var (channels, shape) = (config.LatentChannels, result.Shape.ToArray());
        if (shape is [_, var drawn, _, _] && drawn == channels)
        {
            var none = TensorData.Zeros(shape);
            Array.Fill(none.Values, NoVariance);
            return (result, none);
        }

        if (shape is not [_, var both, _, _] || both != 2 * channels)
            throw new ControlNetException(
                $"{encoder.Title}: gives {result}, expected {2 * channels} channels, for mean and log-variance, or {channels}.");
        shape[1] = channels;
        var (mean, logVariance) = (TensorData.Zeros(shape), TensorData.Zeros(shape));
        for (var row = 0; row < shape[0]; row++)
        {
            var length = mean.Row(row).Length;
            result.Row(row)[..length].CopyTo(mean.Row(row));
            result.Row(row)[length..].CopyTo(logVariance.Row(row));
        }

        return (mean, logVariance);
    }

    public void Dispose()
    {
        decoder.Dispose();
        encoder?.Dispose();
    }

    private static TensorData Run(OnnxNetwork network, TensorData data, int channels)
    {
        if (network.Signature.Inputs is not [var input] || GraphReader.Size(input, 1) is { } found && found != channels)
            throw new ControlNetException(
                $"{network.Title}: has {network.Signature}, expected one input with {channels} channels: half of a VAE.");
        using var value = OnnxTensors.Create(input, data.Values, data.Shape);
        using var outputs = network.Run(new Dictionary<string, OrtValue> { [input.Name] = value }, network.Signature.Outputs[0]);
        return outputs[0].ToData();
    }
}
