using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>
/// Transformer blocks over the pixels of a feature map (Transformer2DModel). The projections in and out are 1x1 convolutions in
/// Stable Diffusion 1 and linear layers in 2 and XL (use_linear_projection).
/// </summary>
internal sealed class SpatialTransformer : Module<Tensor, TextContext, Tensor>
{
    public readonly GroupNorm norm;
    public readonly Module<Tensor, Tensor> proj_in;
    public readonly ModuleList<TransformerBlock> transformer_blocks;
    public readonly Module<Tensor, Tensor> proj_out;
    private readonly bool _linear;

    /// <param name="channels">Channels of the feature map.</param>
    /// <param name="heads">Attention heads.</param>
    /// <param name="contextWidth">Width of the text embedding.</param>
    /// <param name="depth">Number of blocks.</param>
    /// <param name="groups">Groups of the normalisation.</param>
    /// <param name="linear">Whether projections are linear layers instead of convolutions.</param>
    /// <param name="onlyCross">Whether the first attention of each block also attends to the text.</param>
    /// <param name="upcast">Whether attention scores are always computed in float32.</param>
    public SpatialTransformer(
        long channels, long heads, long contextWidth, int depth, long groups, bool linear, bool onlyCross = false, bool upcast = false)
        : base(nameof(SpatialTransformer))
    {
        _linear = linear;
        norm = new GroupNorm(groups, channels, 1e-6);
        proj_in = Projection();
        transformer_blocks = new(
            [.. Enumerable.Range(0, depth).Select(_ => new TransformerBlock(channels, heads, contextWidth, onlyCross, upcast))]);
        proj_out = Projection();
        RegisterComponents();

        Module<Tensor, Tensor> Projection() => linear ? new Linear(channels, channels) : new Convolution(channels, channels, kernel: 1);
    }

    /// <param name="x">[N, C, H, W].</param>
    /// <param name="context">The text, [N, tokens, contextWidth].</param>
    public override Tensor forward(Tensor x, TextContext context)
    {
        using var scope = NewDisposeScope();
        var (height, width) = (x.shape[2], x.shape[3]);
        var tokens = _linear
            ? proj_in.forward(ToTokens(norm.forward(x)))
            : ToTokens(proj_in.forward(norm.forward(x)));

        foreach (var block in transformer_blocks)
            tokens = block.forward(tokens, context);

        var result = _linear ? ToMap(proj_out.forward(tokens)) : proj_out.forward(ToMap(tokens));
        return result.PlusInPlace(x).MoveToOuterDisposeScope();

        static Tensor ToTokens(Tensor map) => map.flatten(2).transpose(1, 2);

        // A single pixel is reshaped without transposing: its strides would look like another memory layout, for which the following
        // convolutions take a different path with different last digits.
        Tensor ToMap(Tensor rows) => (height * width == 1 ? rows : rows.transpose(1, 2)).reshape(rows.shape[0], -1, height, width);
    }
}
