using ControlNet.ML.Torch.Benchmarks;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Native;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Tests.Models;

/// <summary>Keys and values of a text that is kept are computed once, and are those that each pass would compute.</summary>
public sealed class TextContextTests
{
    public TextContextTests() => TorchNative.EnsureLoaded();

    [Fact]
    public void Kept_keys_and_values_give_the_same_bits_without_their_products()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        using var block = RandomWeights.Fill(new TransformerBlock(16, 2, 12));
        var (x, text) = (randn(2, 9, 16), randn(2, 5, 12));
        using var kept = new TextContext(text, keeps: true);

        var expected = block.forward(x, text).data<float>().ToArray();
        var first = Products(() => Assert.Equal(expected, block.forward(x, kept).data<float>().ToArray()));
        var later = Products(() => Assert.Equal(expected, block.forward(x, kept).data<float>().ToArray()));
        Assert.Equal(first - 2, later);
        Assert.Equal(first, Products(() => block.forward(x, text)));
    }

    private static int Products(Action run)
    {
        var count = 0;
        Operations.Observer = operation => count += operation.Inputs.Length == 1 ? 1 : 0;
        try
        {
            run();
        }
        finally
        {
            Operations.Observer = null;
        }

        return count;
    }
}
