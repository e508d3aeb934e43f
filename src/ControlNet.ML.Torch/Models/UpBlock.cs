using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>
/// One level of the decoder: every resnet takes the encoder's skip tensor of its level, then an upsampler except at the last level.
/// </summary>
internal sealed class UpBlock : Module<Tensor, Tensor, TextContext, Stack<Tensor>, Tensor>
{
    public readonly ModuleList<ResnetBlock> resnets;
    public readonly ModuleList<SpatialTransformer>? attentions;
    public readonly ModuleList<Upsample>? upsamplers;

    /// <param name="layers">The level's resnets, first to last.</param>
    /// <param name="transformers">One transformer per resnet, or null for a level without attention.</param>
    /// <param name="upsample">The upsampler to the next level, or null at the last.</param>
    public UpBlock(ResnetBlock[] layers, SpatialTransformer[]? transformers, Upsample? upsample)
        : base(nameof(UpBlock))
    {
        resnets = new(layers);
        attentions = transformers is null ? null : new(transformers);
        upsamplers = upsample is null ? null : new([upsample]);
        RegisterComponents();
    }

    /// <param name="x">[N, C, H, W].</param>
    /// <param name="time">SiLU of the time embedding.</param>
    /// <param name="context">The text.</param>
    /// <param name="skips">The encoder's outputs, the last on top; one is taken per resnet.</param>
    public override Tensor forward(Tensor x, Tensor time, TextContext context, Stack<Tensor> skips)
    {
        x = Layers(0, resnets.Count, x, time, context, skips);

        // The size is that of the next skip tensor, so that odd sizes are restored.
        return upsamplers is null ? x : upsamplers[0].forward(x, skips.Peek().shape[2..]);
    }

    /// <summary>Runs some of the layers, each a resnet and its transformer.</summary>
    /// <param name="first">The first layer.</param>
    /// <param name="end">The layer after the last.</param>
    /// <param name="x">[N, C, H, W].</param>
    /// <param name="time">SiLU of the time embedding.</param>
    /// <param name="context">The text.</param>
    /// <param name="skips">The encoder's outputs, the last on top; one is taken per layer.</param>
    public Tensor Layers(int first, int end, Tensor x, Tensor time, TextContext context, Stack<Tensor> skips)
    {
        for (var i = first; i < end; i++)
        {
            using var scope = NewDisposeScope();
            x = resnets[i].forward(cat([x, skips.Pop()], dim: 1), time);
            if (attentions is not null)
                x = attentions[i].forward(x, context);
            x.MoveToOuterDisposeScope();
        }

        return x;
    }
}
