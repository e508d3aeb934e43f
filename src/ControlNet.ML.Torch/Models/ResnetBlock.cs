using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>Two 3x3 convolutions with the time embedding between them, added to the input (ResnetBlock2D).</summary>
internal sealed class ResnetBlock : Module<Tensor, Tensor?, Tensor>
{
    public readonly GroupNorm norm1;
    public readonly Convolution conv1;
    public readonly Linear? time_emb_proj;
    public readonly GroupNorm norm2;
    public readonly Convolution conv2;
    public readonly Convolution? conv_shortcut;
    private readonly double _divisor;

    /// <param name="inputs">Input channels.</param>
    /// <param name="outputs">Output channels; if they differ, a 1x1 convolution converts the input.</param>
    /// <param name="timeWidth">Width of the time embedding; null in the autoencoder, which has none.</param>
    /// <param name="groups">Groups of the normalisations.</param>
    /// <param name="epsilon">Epsilon of the normalisations.</param>
    /// <param name="divisor">Divisor of the sum (output_scale_factor).</param>
    public ResnetBlock(long inputs, long outputs, long? timeWidth, long groups, double epsilon, double divisor = 1)
        : base(nameof(ResnetBlock))
    {
        _divisor = divisor;
        norm1 = new GroupNorm(groups, inputs, epsilon);
        conv1 = new Convolution(inputs, outputs, kernel: 3, padding: 1);
        time_emb_proj = timeWidth is { } width ? new Linear(width, outputs) : null;
        norm2 = new GroupNorm(groups, outputs, epsilon);
        conv2 = new Convolution(outputs, outputs, kernel: 3, padding: 1);
        conv_shortcut = inputs == outputs ? null : new Convolution(inputs, outputs, kernel: 1);
        RegisterComponents();
    }

    /// <summary>Norm, SiLU, convolution; frees intermediate tensors early.</summary>
    public static Tensor Convolve(GroupNorm norm, Convolution convolution, Tensor x)
    {
        using var activated = functional.silu(norm.forward(x), inplace: true);
        return convolution.forward(activated);
    }

    /// <param name="x">[N, inputs, H, W].</param>
    /// <param name="time">SiLU of the time embedding, [N, timeWidth]: the same for every block, so the caller computes it once.</param>
    public override Tensor forward(Tensor x, Tensor? time)
    {
        // Outputs of a convolution or a norm are new tensors, so the following operations work in place.
        using var scope = NewDisposeScope();
        var hidden = Convolve(norm1, conv1, x);
        if (time_emb_proj is not null)
            hidden.PlusInPlace(time_emb_proj.forward(time!).unsqueeze(-1).unsqueeze(-1));
        var sum = Convolve(norm2, conv2, hidden).PlusInPlace(conv_shortcut?.forward(x) ?? x);
        return (_divisor == 1 ? sum : sum.OverInPlace(_divisor)).MoveToOuterDisposeScope();
    }
}
