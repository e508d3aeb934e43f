using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>Between encoder and decoder: resnet, transformer, resnet (UNetMidBlock2DCrossAttn).</summary>
internal sealed class MidBlock : Module<Tensor, Tensor, Tensor, Tensor>
{
    public readonly ModuleList<SpatialTransformer> attentions;
    public readonly ModuleList<ResnetBlock> resnets;

    /// <param name="before">The resnet before the transformer.</param>
    /// <param name="transformer">The transformer.</param>
    /// <param name="after">The resnet after it.</param>
    public MidBlock(ResnetBlock before, SpatialTransformer transformer, ResnetBlock after)
        : base(nameof(MidBlock))
    {
        attentions = new([transformer]);
        resnets = new([before, after]);
        RegisterComponents();
    }

    /// <param name="x">[N, C, H, W].</param>
    /// <param name="time">SiLU of the time embedding.</param>
    /// <param name="context">The text.</param>
    public override Tensor forward(Tensor x, Tensor time, Tensor context)
    {
        using var scope = NewDisposeScope();
        return resnets[1].forward(attentions[0].forward(resnets[0].forward(x, time), context), time).MoveToOuterDisposeScope();
    }
}
