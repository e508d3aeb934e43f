using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>
/// One level of the encoder: resnets, each followed by a transformer if the level has attention, then a downsampler except at the last
/// level.
/// </summary>
internal sealed class DownBlock : Module<Tensor, Tensor, TextContext, IList<Tensor>, Tensor>
{
    public readonly ModuleList<ResnetBlock> resnets;
    public readonly ModuleList<SpatialTransformer>? attentions;
    public readonly ModuleList<Downsample>? downsamplers;

    /// <param name="layers">The level's resnets, first to last.</param>
    /// <param name="transformers">One transformer per resnet, or null for a level without attention.</param>
    /// <param name="downsample">The downsampler to the next level, or null at the last.</param>
    public DownBlock(ResnetBlock[] layers, SpatialTransformer[]? transformers, Downsample? downsample)
        : base(nameof(DownBlock))
    {
        resnets = new(layers);
        attentions = transformers is null ? null : new(transformers);
        downsamplers = downsample is null ? null : new([downsample]);
        RegisterComponents();
    }

    /// <param name="x">[N, C, H, W].</param>
    /// <param name="time">SiLU of the time embedding.</param>
    /// <param name="context">The text.</param>
    /// <param name="skips">Receives the output of every layer, in order.</param>
    public override Tensor forward(Tensor x, Tensor time, TextContext context, IList<Tensor> skips)
    {
        for (var i = 0; i < resnets.Count; i++)
            skips.Add(x = Layer(i, x, time, context));

        if (downsamplers is not null)
        {
            x = downsamplers[0].forward(x);
            skips.Add(x);
        }

        return x;
    }

    /// <summary>Runs one layer: a resnet and its transformer.</summary>
    /// <param name="index">The layer's index.</param>
    /// <param name="x">[N, C, H, W].</param>
    /// <param name="time">SiLU of the time embedding.</param>
    /// <param name="context">The text.</param>
    public Tensor Layer(int index, Tensor x, Tensor time, TextContext context)
    {
        using var scope = NewDisposeScope();
        x = resnets[index].forward(x, time);
        if (attentions is not null)
            x = attentions[index].forward(x, context);
        return x.MoveToOuterDisposeScope();
    }
}
