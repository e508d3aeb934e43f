using ControlNet.ML.Torch.Models;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Training;

/// <summary>
/// The decoder's backward pass by recomputation (gradient checkpointing, Chen et al. 2016). The forward pass stores only the input of each
/// level; the backward pass recomputes one level at a time with its graph. The numbers are the same; the activations of only one level are
/// in memory, at the cost of another forward pass of the decoder.
/// </summary>
internal sealed class RecomputedDecoder(UNet2DConditionModel unet)
{
    /// <summary>Computes losses and the gradients of the residuals, and adds the gradients of unlocked weights to theirs.</summary>
    /// <param name="encoded">Output of the locked encoder, without a graph.</param>
    /// <param name="residuals">Output of the control network.</param>
    /// <param name="text">[N, tokens, width].</param>
    /// <param name="losses">Computes the loss of each row from the prediction.</param>
    /// <param name="factor">Factor of the mean loss.</param>
    public (float[] Losses, ControlResiduals Gradients) Backward(
        EncodedSample encoded, ControlResiduals residuals, TextContext text, Func<Tensor, Tensor> losses, double factor)
    {
        // Detached from the control network's graph, whose backward pass comes after the decoder's.
        var joined = encoded.With(residuals.Select((residual, _) => residual.detach()));
        var (inputs, last) = Forward(joined, text);

        var (each, gradient) = Last(last, losses, factor);
        var skips = new Tensor[joined.Skips.Count];
        for (var level = unet.up_blocks.Count - 1; level >= 0; level--)
        {
            using var scope = NewDisposeScope();
            var taken = unet.up_blocks[level].resnets.Count;
            var first = Left(level) - taken;
            var x = inputs[level].detach().requires_grad_(true);
            Tensor[] own = [.. joined.Skips.Skip(first).Take(taken).Select(skip => skip.detach().requires_grad_(true))];

            // A level reads the size of the skip tensor that follows its own.
            var stack = new Stack<Tensor>([.. joined.Skips.Take(first), .. own]);
            var output = unet.up_blocks[level].forward(x, encoded.Time, text, stack);
            autograd.backward([output], [gradient]);
            for (var i = 0; i < taken; i++)
                skips[first + i] = own[i].grad!.MoveToOuterDisposeScope();
            gradient = x.grad!.MoveToOuterDisposeScope();
        }

        return (each, new ControlResiduals(residuals.Skips.Count == 0 ? [] : skips, gradient));
    }

    private (List<Tensor> Inputs, Tensor Last) Forward(EncodedSample joined, TextContext text)
    {
        using var _ = no_grad();
        var remaining = new Stack<Tensor>(joined.Skips);
        List<Tensor> inputs = [];
        var x = joined.Middle;
        foreach (var block in unet.up_blocks)
        {
            inputs.Add(x);
            x = block.forward(x, joined.Time, text, remaining);
        }

        return (inputs, x);
    }

    private (float[] Losses, Tensor Gradient) Last(Tensor last, Func<Tensor, Tensor> losses, double factor)
    {
        using var scope = NewDisposeScope();
        var x = last.detach().requires_grad_(true);
        var each = losses(unet.Out(x));
        each.mean().Times(factor).backward();
        return (ControlGraph.Values(each), x.grad!.MoveToOuterDisposeScope());
    }

    /// <summary>Number of skip tensors left before a level.</summary>
    private int Left(int level) => unet.up_blocks.Skip(level).Sum(block => block.resnets.Count);
}
