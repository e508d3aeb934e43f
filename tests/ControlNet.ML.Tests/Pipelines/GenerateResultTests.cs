using ControlNet.ML.Pipelines;

namespace ControlNet.ML.Tests.Pipelines;

/// <summary>A request that fails fails alone; a disk or a cancellation fails the run.</summary>
public sealed class GenerateResultTests
{
    [Fact]
    public void An_own_failure_is_the_result_and_ends_the_stages()
    {
        var failure = new ControlNetException("no");
        var result = GenerateResult.Of<string>(() => throw failure).Then(text => text + "!");
        Assert.Same(failure, result.Failure);
        Assert.Null(result.Value);
        Assert.Same(failure, Assert.Throws<ControlNetException>(result.ValueOrThrow));

        var later = GenerateResult.Of(() => "a").Then<string>(_ => throw new ArgumentException("later"));
        Assert.Equal("later", Assert.IsType<ArgumentException>(later.Failure).Message);
        Assert.Equal("ab", GenerateResult.Of(() => "a").Then(text => text + "b").ValueOrThrow());
    }

    [Fact]
    public void What_no_request_is_to_blame_for_is_thrown()
    {
        foreach (var error in (Exception[])[new OperationCanceledException(), new IOException(), new ControlNetException("disk", new IOException()), new ControlNetException("locked", new UnauthorizedAccessException()), new ObjectDisposedException("x")])
            Assert.Same(error, Record.Exception(() => GenerateResult.Of<string>(() => throw error)));
    }
}
