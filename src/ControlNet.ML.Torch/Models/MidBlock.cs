using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>
/// Between encoder and decoder: resnet, transformer, resnet (UNetMidBlock2DCrossAttn), or a single resnet (UNetMidBlock2D).
/// </summary>
internal sealed class MidBlock : Module<Tensor, Tensor, TextContext, Tensor>
{
    public readonly ModuleList<SpatialTransformer>? attentions;
    public readonly ModuleList<ResnetBlock> resnets;

    /// <param name="layers">The resnets, one more than transformers.</param>
    /// <param name="transformer">The transformer between the two, or null.</param>
    public MidBlock(ResnetBlock[] layers, SpatialTransformer? transformer)
        : base(nameof(MidBlock))
    {
        attentions = transformer is null ? null : new([transformer]);
        resnets = new(layers);
        RegisterComponents();
    }

    /// <param name="x">[N, C, H, W].</param>
    /// <param name="time">SiLU of the time embedding.</param>
    /// <param name="context">The text.</param>
    public override Tensor forward(Tensor x, Tensor time, TextContext context)
    {
        using var scope = NewDisposeScope();
        x = resnets[0].forward(x, time);
        if (attentions is not null)
            x = resnets[1].forward(attentions[0].forward(x, context), time);
        return x.MoveToOuterDisposeScope();
    }
}
