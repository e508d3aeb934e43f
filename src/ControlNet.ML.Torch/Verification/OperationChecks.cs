using ControlNet.ML.Torch.Models;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Verification;

/// <summary>
/// The checked operations, as the networks use them: small, but with the channel counts that libtorch is known to compute wrongly
/// on some machines (partial blocks of 8, 16, 32, 48 and 64; the four outputs of a UNet's last convolution).
/// </summary>
internal static class OperationChecks
{
    /// <summary>All checks; each creates its module when it runs.</summary>
    public static IEnumerable<OperationCheck> All()
    {
        foreach (var type in new[] { ScalarType.Float32, ScalarType.BFloat16, ScalarType.Float16 })
        {
            foreach (var channelsLast in new[] { false, true })
            {
                yield return Convolution(24, 40, kernel: 3, stride: 1, type, channelsLast);
                yield return Convolution(64, 4, kernel: 3, stride: 1, type, channelsLast);
                yield return Convolution(48, 112, kernel: 3, stride: 1, type, channelsLast);
                yield return Convolution(112, 80, kernel: 3, stride: 2, type, channelsLast);
                yield return Convolution(80, 48, kernel: 1, stride: 1, type, channelsLast);
            }

            yield return Linear(77, 80, type);
            yield return Linear(320, 48, type);
            yield return Attention(40, causal: false, type);
            yield return Attention(64, causal: true, type);
            yield return GroupNorm(type);
            yield return LayerNorm(type);
            yield return Sum(type);
        }
    }

    private static OperationCheck Convolution(int inputs, int outputs, int kernel, int stride, ScalarType type, bool channelsLast) => new(
        $"convolution {kernel}x{kernel}, {inputs} to {outputs} "
            + $"channels{(stride == 1 ? "" : $", stride {stride}")}{(channelsLast ? ", channels last" : "")}",
        type,
        () => Unset.On(type, CPU, () => new Models.Convolution(inputs, outputs, kernel, stride, kernel / 2)),
        module => new DoubleComparison(
            type,
            [[2, inputs, 9, 6]],
            x => ((Models.Convolution)module!).forward(x[0]),
            (x, p) => functional.conv2d(x[0], p[0], p[1], strides: [stride, stride], padding: [kernel / 2, kernel / 2]))
        {
            ChannelsLast = channelsLast,
            GradientChannelsLast = channelsLast,
        });

    private static OperationCheck Linear(int inputs, int outputs, ScalarType type) => new(
        $"linear, {inputs} to {outputs}",
        type,
        () => Unset.On(type, CPU, () => new Models.Linear(inputs, outputs)),
        module => new DoubleComparison(
            type, [[2, 33, inputs]], x => ((Models.Linear)module!).forward(x[0]), (x, p) => functional.linear(x[0], p[0], p[1])));

    private static OperationCheck Attention(int size, bool causal, ScalarType type) => new(
        $"{(causal ? "causal " : "")}attention, heads of {size}",
        type,
        () => null,
        _ => new DoubleComparison(
            type,
            [[1, 2, 45, size], [1, 2, causal ? 45 : 77, size], [1, 2, causal ? 45 : 77, size]],
            x => Operations.Attend(x[0], x[1], x[2], causal),
            (x, _) => ExactAttention(x[0], x[1], x[2], causal)));

    private static Tensor ExactAttention(Tensor q, Tensor k, Tensor v, bool causal)
    {
        var scores = q.matmul(k.transpose(-2, -1)).Times(1 / Math.Sqrt(q.shape[^1]));
        if (causal)
            scores = scores.Plus(zeros([q.shape[2], k.shape[2]], ScalarType.Float64).FillInPlace(double.NegativeInfinity).triu(1));
        return functional.softmax(scores, dim: -1).matmul(v);
    }

    private static OperationCheck GroupNorm(ScalarType type) => new(
        "group norm, 4 groups of 40 channels",
        type,
        () => Unset.On(type, CPU, () => new Models.GroupNorm(4, 40, 1e-5)),
        module => new DoubleComparison(
            type, [[2, 40, 9, 6]], x =>
                ((Models.GroupNorm)module!).forward(x[0]), (x, p) => functional.group_norm(x[0], 4, p[0], p[1], 1e-5)));

    private static OperationCheck LayerNorm(ScalarType type) => new(
        "layer norm, width 77",
        type,
        () => Unset.On(type, CPU, () => new Models.LayerNorm(77)),
        module => new DoubleComparison(
            type, [[2, 33, 77]], x =>
                ((Models.LayerNorm)module!).forward(x[0]), (x, p) => functional.layer_norm(x[0], [77], p[0], p[1], 1e-5)));

    private static OperationCheck Sum(ScalarType type) => new(
        "mean over pixels",
        type,
        () => null,
        _ => new DoubleComparison(type, [[2, 40, 9, 6]], x => x[0].mean([2, 3]), (x, _) => x[0].mean([2, 3])));
}

/// <summary>One operation to check.</summary>
/// <param name="Operation">Its description, for people.</param>
/// <param name="Type">Its data type.</param>
/// <param name="Module">Creates the module; null for a bare operation.</param>
/// <param name="Comparison">Creates the comparison of that module.</param>
internal sealed record OperationCheck(string Operation, ScalarType Type, Func<Module?> Module, Func<Module?, DoubleComparison> Comparison)
{
    /// <summary>Runs the check; returns the error of the forward pass and the largest error of the gradients.</summary>
    public IEnumerable<(string Pass, double Error, double Bound)> Run()
    {
        using var module = Module();
        var comparison = Comparison(module) with { Parameters = [.. module?.parameters() ?? []] };
        var errors = comparison.Run();
        yield return ("forward", errors[0].Error, comparison.Bound);
        yield return ("gradients", errors.Skip(1).Max(e => double.IsNaN(e.Error) ? double.PositiveInfinity : e.Error), comparison.Bound);
    }
}
