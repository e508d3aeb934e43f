using ControlNet.ML.Torch.Benchmarks;
using ControlNet.ML.Torch.Kernels;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Native;
using ControlNet.ML.Torch.Tests.Models;
using ControlNet.ML.Torch.Verification;
using FsCheck.Xunit;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Tests.Kernels;

/// <summary>Every kernel of every operation computes the same numbers, for any shape, type and layout.</summary>
[Properties(Arbitrary = [typeof(OperationCase)], MaxTest = 60)]
public sealed class KernelOperationTests
{
    public KernelOperationTests() => TorchNative.EnsureLoaded();

    [Property]
    public void Kernels_of_a_linear_layer_agree(OperationCase test)
    {
        using var scope = NewDisposeScope();
        using var linear = RandomWeights.Fill(Unset.On(test.Type, CPU, () => new Linear(test.Inputs, test.Outputs, test.Height % 2 == 0)));
        linear.bias?.uniform_(-1, 1);
        var x = KernelNoise.Of(test.Type, test.Batch, test.Width * test.Height, test.Inputs);
        Tensor[] inputs = linear.bias is { } bias ? [x, linear.weight, bias] : [x, linear.weight];
        Agree(LinearOperation.Of(x, linear.weight, linear.bias), inputs);
    }

    [Property]
    public void Kernels_of_a_convolution_agree(OperationCase test)
    {
        // As Convolution gives them: whole blocks of channels, no stride that skips pixels.
        using var scope = NewDisposeScope();
        var (inputs, outputs) = (RoundUp(test.Inputs), RoundUp(test.Outputs));
        var stride = test.Kernel == 1 ? 1 : test.Stride;
        using var convolution = RandomWeights.Fill(Unset.On(test.Type, CPU, () => new Convolution(inputs, outputs, test.Kernel)));
        convolution.bias.uniform_(-1, 1);
        var x = test.ChannelsLast
            ? KernelNoise.Of(test.Type, test.Batch, test.Height + 5, test.Width + 5, inputs).permute(0, 3, 1, 2)
            : KernelNoise.Of(test.Type, test.Batch, inputs, test.Height + 5, test.Width + 5);
        Agree(ConvolutionOperation.Of(x, convolution.weight, stride, test.Kernel / 2), [x, convolution.weight, convolution.bias]);

        static int RoundUp(int channels) => (channels + 15) / 16 * 16;
    }

    [Property]
    public void Kernels_of_an_attention_agree(OperationCase test)
    {
        using var scope = NewDisposeScope();
        Tensor[] inputs = [Heads(test.Height), Heads(test.Width), Heads(test.Width)];
        Agree(AttentionOperation.Of(inputs[0], inputs[1]), inputs);

        Tensor Heads(int tokens) => KernelNoise.Of(test.Type, test.Batch, tokens + 3, 4, test.Inputs).transpose(1, 2);
    }

    /// <summary>Two products hold the scores of all pairs of tokens, which libtorch's attention never does.</summary>
    [Theory, InlineData(4096, 77, true), InlineData(4096, 4096, false)]
    public void Two_products_are_for_few_scores(int queries, int keys, bool isOffered) => Assert.Equal(
        isOffered, new AttentionOperation(ScalarType.Float32, 2, 8, queries, keys, 40).Kernels.Contains("two products"));

    /// <summary>A network computes the same with measured kernels, in any memory layout of its weights.</summary>
    [Fact]
    public void A_network_computes_the_same_with_measured_kernels()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var decoder = RandomWeights.Fill(new AutoencoderKL(new()
        {
            BlockOutChannels = [16, 32],
            LayersPerBlock = 1,
            NormNumGroups = 4,
            InChannels = 3,
            OutChannels = 3,
            LatentChannels = 4,
        }));
        var latents = KernelNoise.Of(ScalarType.Float32, 1, 4, 12, 9);
        var plain = decoder.Decode(latents).contiguous();

        ChannelsLast.LayWeights(decoder);
        Operations.Kernels = new KernelTable();
        try
        {
            Assert.InRange(KernelMeter.Distance(decoder.Decode(latents), plain), double.Epsilon, 1e-5);
        }
        finally
        {
            Operations.Kernels = null;
        }

        ChannelsLast.LayWeights(decoder, isChannelsLast: false);
        Assert.Equal(0, KernelMeter.Distance(decoder.Decode(latents), plain));
    }

    private static void Agree(KernelOperation operation, Tensor[] inputs)
    {
        using var plain = operation.Run(0, inputs);
        for (var kernel = 1; kernel < operation.Kernels.Count; kernel++)
        {
            UnwrittenMemory.FillWithNaN();
            using var result = operation.Run(kernel, inputs);
            Close.Number(
                0, KernelMeter.Distance(result, plain), DoubleComparison.BoundOf(operation.Type), $"distance of {operation.Kernels[kernel]} of {operation}");
        }
    }
}
