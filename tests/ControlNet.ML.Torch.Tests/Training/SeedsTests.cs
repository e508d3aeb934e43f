using ControlNet.ML.Torch.Training;

namespace ControlNet.ML.Torch.Tests.Training;

public sealed class SeedsTests
{
    /// <summary>Pins the seeds, so that a new version resumes older runs with the same draws. The numbers are SplitMix64's finaliser, computed in Python.</summary>
    [Theory]
    [InlineData(0, 1, 0, 2802244911)]
    [InlineData(0, 1, -1, 1210155558)] // nothing is added: the finaliser of 0xE220A8397B1DCDAF, SplitMix64's published first number for seed 0
    [InlineData(7, 2, 123456789012, 3224482788)]
    [InlineData(ulong.MaxValue, 5, 3, 3402979971)]
    public void A_seed_of_several_numbers_is_the_same_in_every_version(ulong seed, ulong purpose, long index, ulong expected) =>
        Assert.Equal(expected, Seeds.Mix(seed, purpose, index));
}
