using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>
/// Self-attention, cross-attention to the text, feed-forward; each after a layer norm and added to its input (BasicTransformerBlock).
/// </summary>
internal sealed class TransformerBlock : Module<Tensor, TextContext, Tensor>
{
    public readonly LayerNorm norm1;
    public readonly Attention attn1;
    public readonly LayerNorm norm2;
    public readonly Attention attn2;
    public readonly LayerNorm norm3;
    public readonly FeedForward ff;
    private readonly bool _onlyCross;

    /// <param name="width">Width of the tokens.</param>
    /// <param name="heads">Attention heads.</param>
    /// <param name="contextWidth">Width of the text embedding.</param>
    /// <param name="onlyCross">Whether the first attention also attends to the text (only_cross_attention).</param>
    /// <param name="upcast">Whether attention scores are always computed in float32.</param>
    public TransformerBlock(long width, long heads, long contextWidth, bool onlyCross = false, bool upcast = false)
        : base(nameof(TransformerBlock))
    {
        _onlyCross = onlyCross;
        norm1 = new LayerNorm(width);
        attn1 = new Attention(width, heads, onlyCross ? contextWidth : width, upcast: upcast);
        norm2 = new LayerNorm(width);
        attn2 = new Attention(width, heads, contextWidth, upcast: upcast);
        norm3 = new LayerNorm(width);
        ff = new FeedForward(width);
        RegisterComponents();
    }

    /// <param name="x">[N, H·W, width].</param>
    /// <param name="context">The text, [N, tokens, contextWidth].</param>
    public override Tensor forward(Tensor x, TextContext context)
    {
        // A sublayer's output is a new tensor, so the input can be added to it in place.
        using var scope = NewDisposeScope();
        x = attn1.forward(norm1.forward(x), _onlyCross ? context : null).PlusInPlace(x);
        x = attn2.forward(norm2.forward(x), context).PlusInPlace(x);
        return ff.forward(norm3.forward(x)).PlusInPlace(x).MoveToOuterDisposeScope();
    }
}
