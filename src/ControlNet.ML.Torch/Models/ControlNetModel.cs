using ControlNet.ML.Configuration;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Models;

/// <summary>
/// The control network (paper Figure 3b): the trainable copy of the UNet's encoder and middle, fed with the sample plus the hint, and a
/// zero convolution after every block.
/// </summary>
internal sealed class ControlNetModel : UNetEncoder, IControlModel
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
        controlnet_down_blocks = new([.. config.SkipChannels.Select(channels => new ZeroConvolution(channels))]);
        controlnet_mid_block = new ZeroConvolution(config.BlockOutChannels[^1]);
        RegisterComponents();
    }

    public ConditionEncoder Hint => controlnet_cond_embedding;

    public IEnumerable<Convolution> ZeroConvolutions =>
        [controlnet_cond_embedding.conv_out, .. controlnet_down_blocks, controlnet_mid_block];

    public int ResidualCount => controlnet_down_blocks.Count + 1;

    public Tensor EncodeCondition(Tensor condition) => EncodeCondition(_config, controlnet_cond_embedding, condition);

    /// <summary>Encodes a condition with an encoder of a network of this shape.</summary>
    public static Tensor EncodeCondition(ControlNetConfig config, ConditionEncoder encoder, Tensor condition) =>
        encoder.forward(config.ControlnetConditioningChannelOrder == "bgr" ? condition.flip(1) : condition);

    public ControlResiduals Forward(Tensor sample, UNetInputs inputs, Tensor hint)
    {
        using var scope = NewDisposeScope();

        // 1. time
        var time = EmbedTime(inputs);

        // 2. the copy of encoder and middle, steered by the hint
        var (skips, middle) = Encode(conv_in.forward(sample).Plus(hint), time, inputs.Text);

        // 3. zero convolutions, and pooling where the network has it
        return new ControlResiduals(skips, middle)
            .Join(controlnet_down_blocks, controlnet_mid_block, _config.GlobalPoolConditions)
            .MoveToOuterDisposeScope();
    }
}
