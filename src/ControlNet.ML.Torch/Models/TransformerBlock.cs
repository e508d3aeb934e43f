using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>Self-attention, cross-attention to the text, feed-forward; each after a layer norm and added to its input (BasicTransformerBlock).</summary>
internal sealed class TransformerBlock : Module<Tensor, Tensor, Tensor>
{
    public readonly LayerNorm norm1;
    public readonly Attention attn1;
    public readonly LayerNorm norm2;
    public readonly Attention attn2;
    public readonly LayerNorm norm3;
    public readonly FeedForward ff;

    /// <param name="width">Width of the tokens.</param>
    /// <param name="heads">Attention heads.</param>
    /// <param name="contextWidth">Width of the text embedding.</param>
    public TransformerBlock(long width, long heads, long contextWidth)
        : base(nameof(TransformerBlock))
    {
        norm1 = new LayerNorm(width);
        attn1 = new Attention(width, heads, width);
        norm2 = new LayerNorm(width);
        attn2 = new Attention(width, heads, contextWidth);
        norm3 = new LayerNorm(width);
        ff = new FeedForward(width);
        RegisterComponents();
    }

    /// <param name="x">[N, H·W, width].</param>
    /// <param name="context">The text, [N, tokens, contextWidth].</param>
    public override Tensor forward(Tensor x, Tensor context)
    {
        // A sublayer's own output is fresh memory, so the input can be added to it in place.
        using var scope = NewDisposeScope();
        x = attn1.forward(norm1.forward(x), null).PlusInPlace(x);
        x = attn2.forward(norm2.forward(x), context).PlusInPlace(x);
        return ff.forward(norm3.forward(x)).PlusInPlace(x).MoveToOuterDisposeScope();
    }
}
