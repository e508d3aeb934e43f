using ControlNet.ML.Configuration;

namespace ControlNet.ML.Onnx;

/// <summary>
/// The autoencoder's encoder: <c>sample</c>, [N, 3, H, W] from -1 to 1, to <c>latent_parameters</c>, mean and log-variance of the
/// posterior, [N, 2·latent_channels, H/8, W/8], without the scaling factor.
/// </summary>
internal sealed class AutoencoderEncoderGraph : AutoencoderGraph
{
    private AutoencoderEncoderGraph(AutoencoderConfig config, GraphPrecision precision)
        : base(config, new GraphBuilder("vae_encoder", Of(config, precision)))
    {
    }

    /// <param name="config">The configuration.</param>
    /// <param name="precision">The types of weights and computation.</param>
    public static NetworkGraph Build(AutoencoderConfig config, GraphPrecision precision) =>
        new AutoencoderEncoderGraph(config, precision).Build();

    private NetworkGraph Build()
    {
        var channels = Config.BlockOutChannels;
        var (last, moments) = (channels.Length - 1, Config.LatentChannels * 2);
        var sample = Graph.Input(GraphNames.Sample, OnnxFields.Float, Batch, Config.InChannels, "height", "width");
        var x = Graph.Convolution("encoder.conv_in", Graph.ToCompute(sample), Config.InChannels, channels[0], isPrecise: true);
        for (var level = 0; level < channels.Length; level++)
        {
            var at = Text($"encoder.down_blocks.{level}");
            x = Resnets(at, x, channels[Math.Max(level - 1, 0)], channels[level], Config.LayersPerBlock);
            if (level < last)
                x = Graph.Convolution(at + ".downsamplers.0.conv", x, channels[level], channels[level], stride: 2, padsAfter: true);
        }

        x = Out("encoder", Middle("encoder.mid_block", x), channels[last], moments);
        if (Config.UseQuantConv)
            x = Graph.Convolution("quant_conv", x, moments, moments, kernel: 1, isPrecise: true);
        Graph.Output(GraphNames.LatentParameters, x, Batch, moments, "latent_height", "latent_width");
        return Graph.Build();
    }
}
