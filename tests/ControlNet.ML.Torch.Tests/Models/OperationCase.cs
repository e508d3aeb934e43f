using ControlNet.ML.Torch.Verification;
using FsCheck;
using FsCheck.Fluent;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Tests.Models;

/// <summary>Sizes, type and memory layouts of an operation, small enough that hundreds are tried in seconds.</summary>
public sealed record OperationCase(
    int Batch, int Inputs, int Outputs, int Height, int Width, int Kernel, int Stride, ScalarType Type, bool ChannelsLast, bool GradientChannelsLast, int Seed)
{
    public static Arbitrary<OperationCase> Arbitrary() => (
        from batch in Gen.Choose(1, 3)
        from inputs in Gen.Choose(1, 100)
        from outputs in Gen.Choose(1, 100)
        from height in Gen.Choose(1, 12)
        from width in Gen.Choose(1, 12)
        from kernel in Gen.Elements(1, 3)
        from stride in Gen.Elements(1, 2)
        from type in Gen.Elements(ScalarType.Float32, ScalarType.BFloat16, ScalarType.Float16)
        from channelsLast in Gen.Elements(false, true)
        from gradientChannelsLast in Gen.Elements(false, true)
        from seed in Gen.Choose(0, 1_000_000)
        select new OperationCase(batch, inputs, outputs, height, width, kernel, stride, type, channelsLast, gradientChannelsLast, seed))
        .ToArbitrary();

    /// <summary>Fails where result or gradients differ from double precision by more than rounding.</summary>
    /// <param name="shapes">Of the inputs.</param>
    /// <param name="parameters">Of the module that computes.</param>
    /// <param name="operation">Ours, on inputs of the type.</param>
    /// <param name="reference">The same in plain torch, on inputs and parameters in double precision.</param>
    internal void EqualsDouble(long[][] shapes, Parameter[] parameters, Func<Tensor[], Tensor> operation, Func<Tensor[], Parameter[], Tensor> reference)
    {
        var comparison = new DoubleComparison(Type, shapes, operation, reference)
        {
            Parameters = parameters,
            ChannelsLast = ChannelsLast,
            GradientChannelsLast = GradientChannelsLast,
            Seed = Seed,
        };
        foreach (var (what, error) in comparison.Run())
            Close.Number(0, error, comparison.Bound, $"relative error of {what} of {this}");
    }
}
