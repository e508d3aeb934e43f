using ControlNet.ML.Torch.Benchmarks;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Native;
using FsCheck.Xunit;
using TorchSharp;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Tests.Models;

/// <summary>Libtorch only sees whole blocks of channels; nobody else sees them, and no weights stay behind that have changed.</summary>
public sealed class AlignedChannelsTests : IDisposable
{
    private readonly DisposeScope _scope;

    public AlignedChannelsTests()
    {
        TorchNative.EnsureLoaded();
        _scope = NewDisposeScope();
    }

    public void Dispose() => _scope.Dispose();

    [Property(MaxTest = 100)]
    public void Libtorch_convolves_multiples_of_16_channels_and_shapes_stay(byte inputs, byte outputs, bool learns)
    {
        using var scope = NewDisposeScope();
        using var convolution = RandomWeights.Fill(new Convolution(inputs + 1, outputs + 1, kernel: 3, padding: 1));
        convolution.weight.requires_grad_(learns);
        List<BareOperation> seen = [];
        Operations.Observer = seen.Add;
        try
        {
            Assert.Equal([2, outputs + 1, 5, 4], convolution.forward(rand(2, inputs + 1, 5, 4)).shape);
        }
        finally
        {
            Operations.Observer = null;
        }

        var channels = Assert.Single(Assert.Single(seen).Inputs).Shape[1];
        Assert.Equal(0, channels % 16);
        Assert.InRange(channels, inputs + 1, inputs + 16);
        if (!learns)
        {
            // Frozen parameters are kept with their zeros, so that the call can be repeated.
            using var result = seen[0].Call([rand(2, channels, 5, 4)]);
            Assert.Equal(0, result.shape[1] % 16);
        }

        Assert.Equal([outputs + 1, inputs + 1, 3, 3], convolution.weight.shape);
        Assert.Equal([outputs + 1], convolution.bias.shape);
        Assert.Equal(["weight", "bias"], convolution.named_parameters().Select(entry => entry.name));
    }

    [Fact]
    public void A_zero_convolution_that_is_set_to_zero_after_use_gives_zeros()
    {
        using var convolution = new ZeroConvolution(5);
        convolution.weight.uniform_(-1, 1);
        var x = rand(1, 5, 3, 3);
        Assert.NotEqual(0, Sum(convolution.forward(x)));

        convolution.SetToZero();

        Assert.Equal(0, Sum(convolution.forward(x)));
    }

    [Fact]
    public void Weights_that_learn_after_they_were_frozen_and_are_frozen_again_are_those_of_the_last_step()
    {
        using var convolution = RandomWeights.Fill(new Convolution(5, 3, kernel: 1));
        var x = rand(1, 5, 3, 3);
        var before = Sum(convolution.forward(x));

        convolution.weight.requires_grad_(true);
        convolution.forward(x).sum().backward();
        using (no_grad())
            convolution.weight.add_(convolution.weight.grad!);
        convolution.weight.requires_grad_(false);
        var after = Sum(convolution.forward(x));

        // The gradient of a sum by a weight is the sum over its input channel: what is added is its square, for each of 3 outputs.
        var squares = x.sum([0, 2, 3]).square().sum().item<float>();
        Close.Number(before + (3 * squares), after, 1e-3, "sum");
    }

    private static float Sum(Tensor tensor) => tensor.detach().sum().item<float>();
}
