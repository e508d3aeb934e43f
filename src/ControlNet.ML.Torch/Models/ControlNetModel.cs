using ControlNet.ML.Configuration;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Models;

/// <summary>
/// The control network (paper Figure 3b): the trainable copy of the UNet's encoder and middle, fed with the sample plus the hint, and a
/// zero convolution after every block.
/// </summary>
internal sealed class ControlNetModel : UNetEncoder
{
    public readonly ConditionEncoder controlnet_cond_embedding;
    public readonly ModuleList<ZeroConvolution> controlnet_down_blocks;
    public readonly ZeroConvolution controlnet_mid_block;
    private readonly ControlNetConfig _config;

    public ControlNetModel(ControlNetConfig config)
        : base(nameof(ControlNetModel), config)
    {
        _config = config;
        controlnet_cond_embedding = new ConditionEncoder(
            config.ConditioningChannels, config.ConditioningEmbeddingOutChannels, config.BlockOutChannels[0]);
        controlnet_down_blocks = new([.. SkipChannels(config).Select(channels => new ZeroConvolution(channels))]);
        controlnet_mid_block = new ZeroConvolution(config.BlockOutChannels[^1]);
        RegisterComponents();
    }

    /// <summary>How many residuals there are, the middle one included: 13 for SD1 and SD2, 10 for SDXL.</summary>
    public int ResidualCount => controlnet_down_blocks.Count + 1;

    /// <summary>Encodes a condition; independent of time and text, so once is enough for a picture.</summary>
    /// <param name="condition">[N, 3, H, W], R, G, B from 0 to 1.</param>
    /// <returns>The hint, [N, first level's channels, H/8, W/8].</returns>
    public Tensor EncodeCondition(Tensor condition) => EncodeCondition(_config, controlnet_cond_embedding, condition);

    /// <summary>Encodes a condition with an encoder of a network of this shape.</summary>
    public static Tensor EncodeCondition(ControlNetConfig config, ConditionEncoder encoder, Tensor condition) =>
        encoder.forward(config.ControlnetConditioningChannelOrder == "bgr" ? condition.flip(1) : condition);

    /// <param name="sample">[N, in_channels, H, W].</param>
    /// <param name="inputs">Time, text and so on, N rows each.</param>
    /// <param name="hint">From <see cref="EncodeCondition(Tensor)"/>, [N, C, H, W].</param>
    /// <returns>The residuals, not yet scaled; pooled over space where the network was trained so (global_pool_conditions).</returns>
    public ControlResiduals Forward(Tensor sample, UNetInputs inputs, Tensor hint)
    {
        using var scope = NewDisposeScope();

        // 1. time
        var time = EmbedTime(inputs);

        // 2. the copy of encoder and middle, steered by the hint
        var (skips, middle) = Encode(conv_in.forward(sample) + hint, time, inputs.Text);

        // 3. zero convolutions
        var residuals = new ControlResiduals(
            [.. skips.Select((skip, i) => controlnet_down_blocks[i].forward(skip))],
            controlnet_mid_block.forward(middle));

        // 4. pooling, for networks that carry no place (shuffle)
        if (_config.GlobalPoolConditions)
            residuals = residuals.Select((residual, _) => residual.mean([2, 3], keepdim: true));
        return residuals.Select((residual, _) => residual.MoveToOuterDisposeScope());
    }

    /// <summary>Channels of every skip tensor: the first convolution, then each level's layers and its downsampler.</summary>
    private static IEnumerable<int> SkipChannels(EncoderConfig config)
    {
        yield return config.BlockOutChannels[0];
        for (var level = 0; level < config.BlockOutChannels.Length; level++)
        {
            var last = level == config.BlockOutChannels.Length - 1;
            for (var i = 0; i < config.LayersPerBlock + (last ? 0 : 1); i++)
                yield return config.BlockOutChannels[level];
        }
    }
}
