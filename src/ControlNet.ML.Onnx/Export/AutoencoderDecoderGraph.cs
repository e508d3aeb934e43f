using ControlNet.ML.Configuration;

namespace ControlNet.ML.Onnx;

/// <summary>
/// The autoencoder's decoder: <c>latent_sample</c>, [N, latent_channels, h, w] without the scaling factor, to <c>sample</c>,
/// [N, 3, 8h, 8w], about -1 to 1.
/// </summary>
internal sealed class AutoencoderDecoderGraph : AutoencoderGraph
{
    private AutoencoderDecoderGraph(AutoencoderConfig config, GraphPrecision precision)
        : base(config, new GraphBuilder("vae_decoder", Of(config, precision)))
    {
    }

    /// <param name="config">The configuration.</param>
    /// <param name="precision">The types of weights and computation.</param>
    public static NetworkGraph Build(AutoencoderConfig config, GraphPrecision precision) =>
        new AutoencoderDecoderGraph(config, precision).Build();

    private NetworkGraph Build()
    {
        int[] channels = [.. Config.BlockOutChannels.Reverse()];
        var (last, latents) = (channels.Length - 1, Config.LatentChannels);
        var sample = Graph.Input(GraphNames.Latents, OnnxFields.Float, Batch, latents, "latent_height", "latent_width");
        var x = Graph.ToCompute(sample);
        if (Config.UsePostQuantConv)
            x = Graph.Convolution("post_quant_conv", x, latents, latents, kernel: 1, isPrecise: true);
        x = Middle("decoder.mid_block", Graph.Convolution("decoder.conv_in", x, latents, channels[0], isPrecise: true));
        for (var i = 0; i < channels.Length; i++)
        {
            var at = Text($"decoder.up_blocks.{i}");
            x = Resnets(at, x, channels[Math.Max(i - 1, 0)], channels[i], Config.LayersPerBlock + 1);
            if (i < last)
                x = Graph.Convolution(at + ".upsamplers.0.conv", Graph.Enlarge(x, target: null), channels[i], channels[i]);
        }

        var image = Out("decoder", x, channels[last], Config.OutChannels);
        Graph.Output(GraphNames.Sample, image, Batch, Config.OutChannels, "height", "width");
        return Graph.Build();
    }
}
