using ControlNet.ML.Configuration;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>
/// ControlNet-lite, the ablation of the paper (section 4.3, Figure 8c): one convolution replaces each block of the trainable copy. The
/// first convolution, condition encoder and zero convolutions are those of <see cref="ControlNetModel"/>; between them is a 3x3 convolution
/// for each residual, the first after each level with stride 2. SiLU precedes each, as in the blocks it replaces: without it all of them
/// would be one linear map. It has no time embedding and no text.
/// </summary>
internal sealed class ControlNetLiteModel : Module, IControlModel
{
    public readonly Convolution conv_in;
    public readonly ConditionEncoder controlnet_cond_embedding;
    public readonly ModuleList<Convolution> blocks;
    public readonly Convolution mid_block;
    public readonly ModuleList<ZeroConvolution> controlnet_down_blocks;
    public readonly ZeroConvolution controlnet_mid_block;
    private readonly ControlNetConfig _config;

    public ControlNetLiteModel(ControlNetConfig config)
        : base(nameof(ControlNetLiteModel))
    {
        _config = config;
        var channels = config.BlockOutChannels;
        conv_in = new Convolution(config.InChannels, channels[0], kernel: 3, padding: 1);
        controlnet_cond_embedding = new ConditionEncoder(config.ConditioningChannels, config.ConditioningEmbeddingOutChannels, channels[0]);
        blocks = new([.. Enumerable.Range(0, channels.Length).SelectMany(Level)]);
        mid_block = new Convolution(channels[^1], channels[^1], kernel: 3, padding: 1);
        controlnet_down_blocks = new([.. config.SkipChannels.Select(width => new ZeroConvolution(width))]);
        controlnet_mid_block = new ZeroConvolution(channels[^1]);
        RegisterComponents();
    }

    public ConditionEncoder Hint => controlnet_cond_embedding;

    public IEnumerable<Convolution> ZeroConvolutions =>
        [controlnet_cond_embedding.conv_out, .. controlnet_down_blocks, controlnet_mid_block];

    public int ResidualCount => controlnet_down_blocks.Count + 1;

    /// <summary>The convolutions that replace the copy.</summary>
    public IEnumerable<Convolution> Blocks => [.. blocks, mid_block];

    public Tensor EncodeCondition(Tensor condition) => ControlNetModel.EncodeCondition(_config, controlnet_cond_embedding, condition);

    public ControlResiduals Forward(Tensor sample, UNetInputs inputs, Tensor hint)
    {
        using var scope = NewDisposeScope();
        List<Tensor> skips = [conv_in.forward(sample).Plus(hint)];
        foreach (var block in blocks)
            skips.Add(block.forward(functional.silu(skips[^1])));
        var middle = mid_block.forward(functional.silu(skips[^1]));
        return new ControlResiduals(skips, middle)
            .Join(controlnet_down_blocks, controlnet_mid_block, _config.GlobalPoolConditions)
            .MoveToOuterDisposeScope();
    }

    private IEnumerable<Convolution> Level(int level)
    {
        var outputs = _config.BlockOutChannels[level];
        var inputs = _config.BlockOutChannels[Math.Max(level - 1, 0)];
        for (var layer = 0; layer < _config.LayersPerBlock; layer++)
            yield return new Convolution(layer == 0 ? inputs : outputs, outputs, kernel: 3, padding: 1);
        if (level < _config.Levels - 1)
            yield return new Convolution(outputs, outputs, kernel: 3, stride: 2, padding: 1);
    }
}
