using ControlNet.ML.Torch.Native;
using ControlNet.ML.Torch.Training;
using static TorchSharp.torch;
using AdamW = ControlNet.ML.Torch.Training.AdamW;
using Parameter = TorchSharp.Modules.Parameter;

namespace ControlNet.ML.Torch.Tests.Training;

/// <summary>AdamW against numbers worked out by hand; the parity tests compare whole runs with torch.</summary>
public sealed class AdamWTests : IDisposable
{
    private readonly TorchSharp.DisposeScope _scope;

    public AdamWTests()
    {
        TorchNative.EnsureLoaded();
        _scope = NewDisposeScope();
    }

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Two_steps_are_those_of_the_paper()
    {
        var (parameter, trained) = Parameter("w", 1);
        using var optimizer = new AdamW([trained], new AdamWOptions { Beta1 = 0.9, Beta2 = 0.99, WeightDecay = 0.01 });

        // m = 0.05, v = 0.0025; unbiased 0.5 and 0.25: 1 · (1 - 0.1 · 0.01) - 0.1 · 0.5 / √0.25
        parameter.grad = tensor([0.5f]);
        optimizer.Step(0.1);
        Assert.Equal(0.899, ControlGraph.Values(parameter)[0], 1e-6);

        // m = 0.9 · 0.05 - 0.1 · 0.25 = 0.02, v = 0.99 · 0.0025 + 0.01 · 0.0625 = 0.0031; unbiased by 1 - 0.9² and 1 - 0.99²
        parameter.grad = tensor([-0.25f]);
        optimizer.Step(0.1);
        Assert.Equal((0.899 * 0.999) - (0.1 * (0.02 / 0.19) / Math.Sqrt(0.0031 / 0.0199)), ControlGraph.Values(parameter)[0], 1e-6);
        var moments = optimizer.State["w"];
        Assert.Equal(2, moments.Step);
        Assert.Equal(0.02, ControlGraph.Values(moments.Mean)[0], 1e-7);
        Assert.Equal(0.0031, ControlGraph.Values(moments.Square)[0], 1e-8);
    }

    [Fact]
    public void Epsilon_is_added_to_the_root()
    {
        var (parameter, trained) = Parameter("w", 0);
        using var optimizer = new AdamW([trained], new AdamWOptions { Epsilon = 1, WeightDecay = 0 });
        parameter.grad = tensor([3f]);
        optimizer.Step(0.1);
        Assert.Equal(-0.1 * 3 / (3 + 1), ControlGraph.Values(parameter)[0], 1e-6);
    }

    [Fact]
    public void A_parameter_of_more_than_one_piece_moves_as_a_whole()
    {
        const int count = (2 << 18) + 3;
        var parameter = new Parameter(ones(2, count));
        using var optimizer = new AdamW([new TrainableParameter("w", parameter)], new AdamWOptions { WeightDecay = 0 });
        parameter.grad = ones(2, count);
        optimizer.Step(0.25);
        Assert.All(ControlGraph.Values(parameter).Distinct(), value => Assert.Equal(0.75, value, 1e-6));
    }

    [Fact]
    public void A_parameter_without_a_gradient_neither_decays_nor_gets_moments()
    {
        var ((moved, first), (still, second)) = (Parameter("moved", 1), Parameter("still", 1));
        using var optimizer = new AdamW([first, second], new AdamWOptions { WeightDecay = 0.5 });
        moved.grad = tensor([0f]);
        optimizer.Step(0.1);
        Assert.Equal(0.95, ControlGraph.Values(moved)[0], 1e-6);
        Assert.Equal(1f, ControlGraph.Values(still)[0]);
        Assert.Equal(["moved"], optimizer.State.Keys);
    }

    [Fact]
    public void A_run_that_restores_the_moments_continues_as_if_uninterrupted()
    {
        var ((whole, trainedWhole), (part, trainedPart)) = (Parameter("w", 1), Parameter("w", 1));
        using var optimizer = new AdamW([trainedWhole], new AdamWOptions());
        using var before = new AdamW([trainedPart], new AdamWOptions());
        using var after = new AdamW([trainedPart], new AdamWOptions());
        foreach (var gradient in (float[])[0.5f, -2])
        {
            whole.grad = tensor([gradient]);
            part.grad = tensor([gradient]);
            optimizer.Step(0.1);
            if (gradient > 0)
                before.Step(0.1);
            else
                after.Step(0.1);
            if (gradient > 0)
                after.Restore("w", before.State["w"] with { Mean = before.State["w"].Mean.clone(), Square = before.State["w"].Square.clone() });
        }

        Assert.Equal(ControlGraph.Values(whole), ControlGraph.Values(part));
        Assert.Equal(2, after.State["w"].Step);
    }

    [Fact]
    public void Settings_at_the_ends_of_their_ranges_are_taken()
    {
        new AdamWOptions { Beta1 = 0, Beta2 = 0, Epsilon = double.Epsilon, WeightDecay = 0 }.Check();
        new AdamWOptions { Beta1 = Math.BitDecrement(1), Beta2 = Math.BitDecrement(1), Epsilon = 1, WeightDecay = 1e9 }.Check();
    }

    [Fact]
    public void Settings_outside_their_ranges_are_refused_by_name()
    {
        foreach (var beta in (double[])[-0.1, 1, double.NaN])
        {
            Refused(new() { Beta1 = beta }, nameof(AdamWOptions.Beta1));
            Refused(new() { Beta2 = beta }, nameof(AdamWOptions.Beta2));
        }

        foreach (var epsilon in (double[])[0, -1, double.NaN, double.PositiveInfinity])
            Refused(new() { Epsilon = epsilon }, nameof(AdamWOptions.Epsilon));
        foreach (var decay in (double[])[-1e-9, double.NaN, double.PositiveInfinity])
            Refused(new() { WeightDecay = decay }, nameof(AdamWOptions.WeightDecay));

        static void Refused(AdamWOptions options, string name) =>
            Assert.Contains($"Optimizer.{name} is ", Assert.Throws<ControlNetException>(options.Check).Message, StringComparison.Ordinal);
    }

    private static (Parameter Parameter, TrainableParameter Trained) Parameter(string name, float value)
    {
        var parameter = new Parameter(tensor([value]));
        return (parameter, new TrainableParameter(name, parameter));
    }
}
