using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>
/// The small network that reduces a condition image to the latents' size ("hint", paper section 3.2): eight 3x3 convolutions with
/// SiLU between them, three with stride 2, the last zero-initialised. It depends only on the image, so it runs once per image
/// and not once per step. The widths are those of the released weights (16, 32, 96, 256); the paper's text has others.
/// </summary>
internal sealed class ConditionEncoder : Module<Tensor, Tensor>
{
    public readonly Convolution conv_in;
    public readonly ModuleList<Convolution> blocks;
    public readonly Convolution conv_out;

    /// <param name="channels">Channels of the condition image, 3.</param>
    /// <param name="widths">Widths, for instance 16, 32, 96, 256; the side halves at every change.</param>
    /// <param name="outputs">Channels of the UNet's first level.</param>
    public ConditionEncoder(int channels, IReadOnlyList<int> widths, int outputs)
        : base(nameof(ConditionEncoder))
    {
        conv_in = new Convolution(channels, widths[0], kernel: 3, padding: 1);
        blocks = new([.. Enumerable.Range(0, widths.Count - 1).SelectMany(i => (Convolution[])
        [
            new(widths[i], widths[i], kernel: 3, padding: 1),
            new(widths[i], widths[i + 1], kernel: 3, stride: 2, padding: 1),
        ])]);
        conv_out = new Convolution(widths[^1], outputs, kernel: 3, padding: 1);
        RegisterComponents();
    }

    /// <param name="condition">[N, channels, H, W], values 0 to 1.</param>
    /// <returns>The hint, [N, outputs, H/8, W/8].</returns>
    public override Tensor forward(Tensor condition)
    {
        using var scope = NewDisposeScope();
        var x = functional.silu(conv_in.forward(condition));
        foreach (var block in blocks)
            x = functional.silu(block.forward(x));
        return conv_out.forward(x).MoveToOuterDisposeScope();
    }
}
