using ControlNet.ML.Diffusion;
using ControlNet.ML.Torch.Native;
using ControlNet.ML.Torch.Training;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Tests.Training;

/// <summary>Noise and loss worked out by hand for ᾱ = 0.64 and 0.36, so that √ᾱ and √(1 - ᾱ) are 0.8 and 0.6 or the reverse.</summary>
public sealed class DenoisingObjectiveTests : IDisposable
{
    private static readonly float[] Betas = [0.36f, 0.4375f];
    private readonly TorchSharp.DisposeScope _scope;

    public DenoisingObjectiveTests()
    {
        TorchNative.EnsureLoaded();
        _scope = NewDisposeScope();
    }

    public void Dispose() => _scope.Dispose();

    [Fact]
    public void Each_row_gets_the_noise_of_its_own_timestep()
    {
        using var objective = Objective(PredictionType.Epsilon);
        Assert.Equal(2, objective.Timesteps);
        Equal([(0.8 * 3) + (0.6 * 2), (0.6 * 4) + (0.8 * 5)], objective.Noisy(Rows(3, 4), Rows(2, 5), [0, 1]));
        Equal([(0.6 * 3) + (0.8 * 2), (0.8 * 4) + (0.6 * 5)], objective.Noisy(Rows(3, 4), Rows(2, 5), [1, 0]));
    }

    [Theory]
    [InlineData(PredictionType.Epsilon, 2, 5)]
    [InlineData(PredictionType.Sample, 3, 4)]
    [InlineData(PredictionType.Velocity, (0.8 * 2) - (0.6 * 3), (0.6 * 5) - (0.8 * 4))]
    public void The_target_is_what_the_base_model_predicts(PredictionType prediction, double first, double second)
    {
        using var objective = Objective(prediction);
        Equal([first, second], objective.Target(Rows(3, 4), Rows(2, 5), [0, 1]));
    }

    [Theory]
    [InlineData(PredictionType.Epsilon, null, 1, 1)]
    [InlineData(PredictionType.Epsilon, 1.0, 0.36 / 0.64, 1)] // SNR 16/9 and 9/16: min(SNR, 1) / SNR
    [InlineData(PredictionType.Velocity, 1.0, 0.36, 0.36)] // min(SNR, 1) / (SNR + 1)
    [InlineData(PredictionType.Sample, 1.0, 1, 0.5625)]
    public void The_loss_of_a_row_is_its_mean_squared_error_times_the_weight_of_its_timestep(PredictionType prediction, double? gamma, double first, double second)
    {
        using var objective = Objective(prediction, gamma);
        var (said, target) = (tensor([1f, 5, 2, 0], 2, 1, 1, 2), tensor([0f, 2, 2, 4], 2, 1, 1, 2));
        Equal([first * (1 + 9) / 2, second * (0 + 16) / 2], objective.Losses(said, target, [0, 1]));
        Equal([first * (1 + 9) / 2, second * (0 + 16) / 2], objective.Losses(said.to(ScalarType.BFloat16), target, [0, 1]));
    }

    [Fact]
    public void Pure_noise_has_weight_0_for_epsilon()
    {
        using var objective = new DenoisingObjective(new NoiseSchedule(Betas, zeroTerminalSnr: true), PredictionType.Epsilon, 5, CPU);
        Assert.Equal(0, ControlGraph.Values(objective.Losses(Rows(1, 1), Rows(2, 2), [0, 1]))[1]);
    }

    [Fact]
    public void The_gap_is_relative_to_the_loss_with_the_right_conditions()
    {
        Assert.Equal(0.5, new ConvergenceReading(7, 2, 3).Gap);
        Assert.Equal(-0.25, new ConvergenceReading(7, 4, 3).Gap);
        Assert.Equal(0, new ConvergenceReading(7, 0, 3).Gap);
    }

    private static DenoisingObjective Objective(PredictionType prediction, double? gamma = null) => new(new NoiseSchedule(Betas), prediction, gamma, CPU);

    private static Tensor Rows(float first, float second) => tensor([first, first, second, second], 2, 1, 1, 2);

    // The first value of each row; the others are equal.
    private static void Equal(double[] expected, Tensor actual)
    {
        var values = ControlGraph.Values(actual);
        for (var row = 0; row < expected.Length; row++)
        {
            foreach (var value in values.AsSpan(row * values.Length / expected.Length, values.Length / expected.Length))
                Assert.Equal(expected[row], value, 1e-5);
        }
    }
}
