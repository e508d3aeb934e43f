using ControlNet.ML.Torch.Native;
using ControlNet.ML.Torch.Training;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Tests.Training;

/// <summary>Parameters, gradient norm and EMA, with numbers that can be checked by hand.</summary>
public sealed class TrainableParameterTests : IDisposable
{
    private readonly TorchSharp.DisposeScope _scope;

    public TrainableParameterTests()
    {
        TorchNative.EnsureLoaded();
        _scope = NewDisposeScope();
    }

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void In_float32_the_master_is_the_parameter_itself()
    {
        var parameter = new Parameter(tensor([1f, 2]));
        parameter.requires_grad_(false);
        using var trained = new TrainableParameter("w", parameter);
        Assert.True(parameter.requires_grad);
        Assert.Null(trained.Gradient);
        parameter.grad = tensor([3f, 4]);
        trained.Gather();
        Assert.Equal([3, 4], ControlGraph.Values(trained.Gradient!));
        trained.Clear();
        Assert.Equal([0, 0], ControlGraph.Values(trained.Gradient!));
        using (no_grad())
            trained.Master.add_(1);
        trained.Publish();
        Assert.Equal([2, 3], ControlGraph.Values(parameter));
    }

    [Fact]
    public void In_bfloat16_gradients_are_summed_and_masters_kept_in_float32()
    {
        var parameter = new Parameter(tensor([1f, 2]).to(ScalarType.BFloat16));
        var trained = new TrainableParameter("w", parameter);
        Assert.Equal(ScalarType.Float32, trained.Master.dtype);
        Assert.Null(trained.Gradient);

        // 257 is not a bfloat16: at 256 they are two apart.
        foreach (var value in (float[])[256, 1])
        {
            parameter.grad = tensor([value, value]).to(ScalarType.BFloat16);
            trained.Gather();
            Assert.Equal([0, 0], ControlGraph.Values(parameter.grad.to(ScalarType.Float32)));
        }

        Assert.Equal([257, 257], ControlGraph.Values(trained.Gradient!));
        trained.Clear();
        Assert.Null(trained.Gradient);

        using (no_grad())
            trained.Master.add_(0.001);
        trained.Publish();
        Assert.Equal(1.001f, ControlGraph.Values(trained.Master)[0]);
        Assert.Equal([1, 2], ControlGraph.Values(parameter.to(ScalarType.Float32)));
        using (no_grad())
            trained.Master.add_(1);
        trained.Publish();
        Assert.Equal([2, 3], ControlGraph.Values(parameter.to(ScalarType.Float32)));
        trained.Overwrite(tensor([5f, 6]));
        Assert.Equal([5, 6], ControlGraph.Values(parameter.to(ScalarType.Float32)));
        Assert.Equal(2.001f, ControlGraph.Values(trained.Master)[0], 1e-6f);
        trained.Dispose();
        Assert.False(parameter.requires_grad);
        Assert.True(trained.Master.IsInvalid);
    }

    [Theory]
    [InlineData(null, 1)]
    [InlineData(6.0, 1)]
    [InlineData(2.5, 0.5)]
    public void The_norm_is_of_all_gradients_together_and_clipped_if_too_large(double? most, double factor)
    {
        var parameters = new[] { Trained("a", [3, 0]), Trained("b", [-4]), new TrainableParameter("none", new Parameter(tensor([1f]))) };
        Assert.Equal(5, GradientNorm.Clip(parameters, most), 1e-6);
        Assert.Equal([3 * factor, 0], ControlGraph.Values(parameters[0].Gradient!).Select(value => (double)value), Near);
        Assert.Equal([-4 * factor], ControlGraph.Values(parameters[1].Gradient!).Select(value => (double)value), Near);
        Assert.Null(parameters[2].Gradient);
    }

    [Fact]
    public void Without_gradients_the_norm_is_zero() =>
        Assert.Equal(0, GradientNorm.Clip([new TrainableParameter("none", new Parameter(tensor([1f])))], 1));

    [Fact]
    public void The_EMA_moves_towards_the_weights()
    {
        var trained = Trained("w", [1]);
        using var average = new EmaWeights([trained], 0.75, useWarmup: false);
        Set(trained, 3);
        Assert.Equal(1, ControlGraph.Values(average.Values["w"])[0]);
        average.Update(0);
        Assert.Equal(1.5, ControlGraph.Values(average.Values["w"])[0], 1e-6);
        average.Update(1);
        Assert.Equal(1.875, ControlGraph.Values(average.Values["w"])[0], 1e-6);
        Assert.Equal(3, ControlGraph.Values(trained.Master)[0]);
    }

    [Fact]
    public void An_EMA_with_warmup_takes_over_the_first_weights()
    {
        var trained = Trained("w", [1]);
        using var average = new EmaWeights([trained], 0.9, useWarmup: true);
        Set(trained, 3);
        average.Update(0);
        Assert.Equal(3, ControlGraph.Values(average.Values["w"])[0]);
        Assert.Equal((0, 2.0 / 11, 11.0 / 20, 0.9), (average.Decay(0), average.Decay(1), average.Decay(10), average.Decay(1000)));
    }

    private static bool Near(double expected, double actual) => Math.Abs(expected - actual) < 1e-5;

    private static void Set(TrainableParameter trained, float value)
    {
        using (no_grad())
            trained.Master.fill_(value);
    }

    // The gradient equals the values.
    private static TrainableParameter Trained(string name, float[] values)
    {
        var parameter = new Parameter(tensor(values));
        parameter.grad = tensor(values);
        return new TrainableParameter(name, parameter);
    }
}
