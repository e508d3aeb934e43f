using ControlNet.ML.Diffusion;
using ControlNet.ML.Torch;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Training;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.EmojiTraining.Baselines;

/// <summary>
/// The encoder of "Pretraining is All You Need for Image-to-Image Translation" (Wang et al., 2022; PITI) for this base model: it maps a
/// condition into the space of the base's text embeddings, one token for each of 8 x 8 fields, which take the place of the prompt.
/// </summary>
internal sealed class ConditionTokens : Module<Tensor, Tensor>
{
    private static readonly int[] Widths = [32, 64, 128, 256];
    private readonly Module<Tensor, Tensor> _convolutions;
    private readonly Module<Tensor, Tensor> _mixing;
    private readonly Module<Tensor, Tensor> _projection;
    private readonly TorchSharp.Modules.Parameter _positions;

    /// <param name="width">Width of the text embeddings.</param>
    /// <param name="side">Side of the conditions in pixels, a multiple of 16.</param>
    /// <param name="random">Source of the convolutions' weights; those of the other layers are torch's.</param>
    public ConditionTokens(long width, int side, TorchRandom random)
        : base(nameof(ConditionTokens))
    {
        List<Module<Tensor, Tensor>> stack = [];
        var inputs = 3;
        foreach (var outputs in Widths)
        {
            var convolution = new Convolution(inputs, outputs, kernel: 3, stride: 2, padding: 1);
            TrainedNetwork.Kaiming(convolution, random);

            // TorchSharp 0.107 leaves the parameters of a group norm as they lie in memory.
            var norm = GroupNorm(8, outputs);
            init.ones_(norm.weight);
            init.zeros_(norm.bias);
            stack.AddRange([convolution, norm, SiLU()]);
            inputs = outputs;
        }

        _convolutions = Sequential(stack);
        _mixing = Sequential(Linear(inputs, width), SiLU(), Linear(width, width), LayerNorm(width));
        _projection = Linear(width, width);
        var fields = side / (1 << Widths.Length);
        using var start = randn(1, fields * fields, width).Times(0.02);
        _positions = new TorchSharp.Modules.Parameter(start);
        RegisterComponents();
    }

    /// <param name="condition">[N, 3, side, side], 0 to 1.</param>
    /// <returns>[N, fields, width].</returns>
    public override Tensor forward(Tensor condition)
    {
        using var scope = NewDisposeScope();
        var fields = _convolutions.forward(condition).flatten(2).transpose(1, 2);
        return _projection.forward(_mixing.forward(fields).Plus(_positions)).MoveToOuterDisposeScope();
    }
}
