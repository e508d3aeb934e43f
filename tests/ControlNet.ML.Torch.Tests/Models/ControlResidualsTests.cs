using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Native;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Tests.Models;

/// <summary>Residuals of several networks add up, whichever of them are pooled to a pixel.</summary>
public sealed class ControlResidualsTests
{
    public ControlResidualsTests() => TorchNative.EnsureLoaded();

    [Theory, InlineData(1, 3), InlineData(3, 1), InlineData(3, 3), InlineData(1, 1)]
    public void Pooled_and_spatial_residuals_add_up(int first, int second)
    {
        using var scope = NewDisposeScope();
        var sum = Residuals(first, 1).Add(Residuals(second, 2));

        var side = Math.Max(first, second);
        Assert.Equal([1, 2, side, side], Assert.Single(sum.Skips).shape);
        Assert.All([.. sum.Skips, sum.Middle], residual => Assert.All(residual.data<float>().ToArray(), value => Assert.Equal(3, value)));
    }

    private static ControlResiduals Residuals(int side, float value) => new([full([1, 2, side, side], value)], full([1, 2, side, side], value));
}
