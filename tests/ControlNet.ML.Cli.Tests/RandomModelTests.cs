using ControlNet.ML.Cli.Benchmarks;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Cli.Tests;

public sealed class RandomModelTests
{
    /// <summary>The published number of parameters: the benchmark of memory is on the network that people have.</summary>
    [Fact]
    public void The_UNet_of_the_memory_benchmark_is_that_of_SDXL() => Assert.Equal(2_567_463_684, KeyMap.For(RandomModel.XLUNet).Parameters);
}
