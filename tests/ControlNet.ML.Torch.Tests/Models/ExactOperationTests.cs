using ControlNet.ML.Torch.Benchmarks;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Native;
using FsCheck.Xunit;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Tests.Models;

/// <summary>
/// The operations that networks are made of equal double precision for any channels, sizes, strides, types and memory layouts, forward and
/// backward, on memory that holds NaN wherever nothing was written.
/// </summary>
[Properties(Arbitrary = [typeof(OperationCase)], MaxTest = 150)]
public sealed class ExactOperationTests
{
    public ExactOperationTests() => TorchNative.EnsureLoaded();

    [Property(MaxTest = 400)]
    public void Convolution_equals_double_precision(OperationCase test)
    {
        var padding = test.Kernel / 2;
        using var convolution = Unset.On(test.Type, CPU, () => new Convolution(test.Inputs, test.Outputs, test.Kernel, test.Stride, padding));
        test.EqualsDouble(
            [[test.Batch, test.Inputs, test.Height, test.Width]],
            [convolution.weight, convolution.bias],
            inputs => convolution.forward(inputs[0]),
            (inputs, parameters) => functional.conv2d(
                inputs[0], parameters[0], parameters[1], strides: [test.Stride, test.Stride], padding: [padding, padding]));
    }

    /// <summary>Halving an image to one column: a case of its own, which random sizes seldom meet.</summary>
    [Theory]
    [InlineData(ScalarType.Float32, 8)]
    [InlineData(ScalarType.BFloat16, 8)]
    [InlineData(ScalarType.BFloat16, 44)]
    [InlineData(ScalarType.BFloat16, 64)]
    [InlineData(ScalarType.BFloat16, 80)]
    [InlineData(ScalarType.Float16, 80)]
    public void Halving_to_one_column_equals_double_precision(ScalarType type, int inputs)
    {
        foreach (var (width, height, channelsLast) in from width in (int[])[1, 2] from height in (int[])[3, 8, 9] from last in (bool[])[false, true] select (width, height, last))
            Convolution_equals_double_precision(new OperationCase(2, inputs, inputs == 64 ? 64 : 27, height, width, Kernel: 3, Stride: 2, type, channelsLast, channelsLast, Seed: 5));
    }

    /// <summary>As the autoencoder halves: the padding is one-sided and comes before the convolution.</summary>
    [Theory]
    [InlineData(ScalarType.Float32, 3), InlineData(ScalarType.BFloat16, 3), InlineData(ScalarType.BFloat16, 4), InlineData(ScalarType.Float16, 3)]
    public void Halving_to_one_column_without_padding_equals_double_precision(ScalarType type, int width)
    {
        foreach (var (channels, channelsLast) in from channels in (int[])[8, 64, 80] from last in (bool[])[false, true] select (channels, last))
        {
            var test = new OperationCase(2, channels, channels, 9, width, Kernel: 3, Stride: 2, type, channelsLast, channelsLast, Seed: 5);
            using var convolution = Unset.On(type, CPU, () => new Convolution(channels, channels, kernel: 3, stride: 2));
            test.EqualsDouble(
                [[test.Batch, channels, test.Height, width]],
                [convolution.weight, convolution.bias],
                inputs => convolution.forward(inputs[0]),
                (inputs, parameters) => functional.conv2d(inputs[0], parameters[0], parameters[1], strides: [2, 2]));
        }
    }

    /// <summary>Frozen parameters are padded once and kept: the first forward pass and those after it are right.</summary>
    [Property]
    public void Frozen_convolution_equals_double_precision(OperationCase test)
    {
        using var convolution = RandomWeights.Fill(Unset.On(test.Type, CPU, () => new Convolution(test.Inputs, test.Outputs, test.Kernel, test.Stride)));
        convolution.bias.uniform_(-1, 1);
        foreach (var _ in Enumerable.Range(0, 2))
        {
            test.EqualsDouble(
                [[test.Batch, test.Inputs, test.Height + 2, test.Width + 2]],
                [],
                inputs => convolution.forward(inputs[0]),
                (inputs, _) => functional.conv2d(
                    inputs[0], convolution.weight.to(ScalarType.Float64), convolution.bias.to(ScalarType.Float64), strides: [test.Stride, test.Stride]));
        }
    }

    [Property]
    public void Linear_equals_double_precision(OperationCase test)
    {
        using var linear = Unset.On(test.Type, CPU, () => new Linear(test.Inputs, test.Outputs));
        test.EqualsDouble(
            [[test.Batch, test.Height * test.Width, test.Inputs]],
            [linear.weight, linear.bias!],
            inputs => linear.forward(inputs[0]),
            (inputs, parameters) => functional.linear(inputs[0], parameters[0], parameters[1]));
    }

    [Property]
    public void Attention_equals_double_precision(OperationCase test)
    {
        long heads = test.Stride, size = test.Outputs;
        long[] queries = [test.Batch, heads, test.Height * test.Width, size], keys = [test.Batch, heads, test.Inputs, size];
        test.EqualsDouble(
            [queries, keys, keys],
            [],
            inputs => Operations.Attend(inputs[0], inputs[1], inputs[2]),
            (inputs, _) => functional.softmax(
                inputs[0].matmul(inputs[1].transpose(-2, -1)).Times(1 / Math.Sqrt(size)), dim: -1).matmul(inputs[2]));
    }

    [Fact]
    public void The_gradient_of_a_single_weight_may_be_a_small_rest_of_large_sums() => Group_norm_equals_double_precision(
        new OperationCase(3, 1, 79, 6, 8, 1, 2, ScalarType.BFloat16, ChannelsLast: true, GradientChannelsLast: false, Seed: 601990));

    [Property]
    public void Group_norm_equals_double_precision(OperationCase test)
    {
        var groups = test.Inputs % 4 == 0 ? 4 : 1;
        using var norm = Unset.On(test.Type, CPU, () => new GroupNorm(groups, test.Inputs, 1e-5));
        test.EqualsDouble(
            [[test.Batch, test.Inputs, test.Height + 1, test.Width + 1]],
            [norm.weight, norm.bias],
            inputs => norm.forward(inputs[0]),
            (inputs, parameters) => functional.group_norm(inputs[0], groups, parameters[0], parameters[1], 1e-5));
    }
}
