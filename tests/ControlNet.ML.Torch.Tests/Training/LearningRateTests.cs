using ControlNet.ML.Torch.Training;

namespace ControlNet.ML.Torch.Tests.Training;

public sealed class LearningRateTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0.5)]
    [InlineData(3, 1.5)]
    [InlineData(4, 2)]
    [InlineData(9, 2)]
    public void The_warm_up_is_linear_from_zero_and_the_learning_rate_constant_after_it(long step, double expected) =>
        Assert.Equal(expected, LearningRate.At(LearningRateScheduler.Constant, 2, step, 4, 10), 1e-12);

    [Theory]
    [InlineData(0, 0)]
    [InlineData(2, 1)]
    [InlineData(4, 2)]
    [InlineData(6, 1.5)] // a third of the way: (1 + cos 60°) / 2
    [InlineData(7, 1)]
    [InlineData(8, 0.5)]
    [InlineData(10, 0)]
    [InlineData(12, 0)]
    public void The_cosine_falls_from_the_full_learning_rate_after_the_warm_up_to_zero_and_stays_there(long step, double expected) =>
        Assert.Equal(expected, LearningRate.At(LearningRateScheduler.Cosine, 2, step, 4, 10), 1e-12);

    [Fact]
    public void Without_a_warm_up_the_first_step_has_the_full_learning_rate()
    {
        Assert.Equal(2, LearningRate.At(LearningRateScheduler.Constant, 2, 0, 0, 10));
        Assert.Equal(2, LearningRate.At(LearningRateScheduler.Cosine, 2, 0, 0, 10));
    }

    [Fact]
    public void A_warm_up_over_all_steps_ends_at_the_full_learning_rate()
    {
        Assert.Equal(1.5, LearningRate.At(LearningRateScheduler.Cosine, 2, 3, 4, 4));
        Assert.Equal(2, LearningRate.At(LearningRateScheduler.Cosine, 2, 4, 4, 4));
    }
}
