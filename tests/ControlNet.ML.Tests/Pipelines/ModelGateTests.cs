using ControlNet.ML.Pipelines;

namespace ControlNet.ML.Tests.Pipelines;

/// <summary>One thread at a time.</summary>
public sealed class ModelGateTests
{
    [Fact]
    public void Threads_take_turns_and_the_holder_may_enter_again()
    {
        var gate = new ModelGate();
        var (inside, most) = (0, 0);
        Parallel.For(0, 64, new ParallelOptions { MaxDegreeOfParallelism = 8 }, _ =>
        {
            using var use = gate.Enter();
            using var again = gate.Enter();
            most = Math.Max(most, ++inside);
            Thread.Yield();
            inside--;
        });
        Assert.Equal((0, 1), (inside, most));
    }

    [Fact]
    public void Waiting_ends_when_it_is_cancelled()
    {
        var gate = new ModelGate();
        using var cancellation = new CancellationTokenSource();
        using (gate.Enter())
        {
            var waiting = new Task(() => gate.Enter(cancellation.Token).Dispose(), TaskCreationOptions.LongRunning);
            waiting.Start();
            cancellation.Cancel();
            Assert.IsAssignableFrom<OperationCanceledException>(Assert.Throws<AggregateException>(waiting.Wait).InnerException);
        }

        gate.Enter(cancellation.Token).Dispose();
    }
}
