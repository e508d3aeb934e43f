using System.Globalization;
using Polly;
using Polly.Retry;

namespace ControlNet.ML.Hub;

/// <summary>A failure that may pass: no connection, a cut one, a busy server.</summary>
/// <param name="message">What failed.</param>
/// <param name="retryAfter">The pause that the server asks for, or null.</param>
/// <param name="inner">The cause.</param>
internal sealed class HubBusyException(string message, TimeSpan? retryAfter = null, Exception? inner = null) : IOException(message, inner)
{
    /// <summary>The pause that the server asks for, or null.</summary>
    public TimeSpan? RetryAfter { get; } = retryAfter;
}

/// <summary>Repeats what may succeed later: five times, after 1, 2, 4, 8 and 16 seconds or as long as the server asks for.</summary>
internal static class HubRetry
{
    private const int Most = 5;
    private static readonly TimeSpan First = TimeSpan.FromSeconds(1), Longest = TimeSpan.FromMinutes(10);

    /// <summary>Runs a request.</summary>
    /// <param name="options">The clock, and the address for the message.</param>
    /// <param name="run">The request; throws <see cref="HubBusyException"/> to be repeated.</param>
    /// <param name="cancellationToken">Cancels the request and the pauses.</param>
    /// <exception cref="ControlNetException">It failed each time.</exception>
    public static async Task<T> RunAsync<T>(
        HubOptions options, Func<CancellationToken, ValueTask<T>> run, CancellationToken cancellationToken)
    {
        var pipeline = new ResiliencePipelineBuilder { TimeProvider = options.Clock }
            .AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = new PredicateBuilder().Handle<HubBusyException>(error => !(error.RetryAfter > Longest)),
                MaxRetryAttempts = Most,
                Delay = First,
                BackoffType = DelayBackoffType.Exponential,
                DelayGenerator = static attempt => ValueTask.FromResult((attempt.Outcome.Exception as HubBusyException)?.RetryAfter),
            })
            .Build();
        try
        {
            return await pipeline.ExecuteAsync(run, cancellationToken).ConfigureAwait(false);
        }
        catch (HubBusyException error)
        {
            var asked = error.RetryAfter is { } pause
                ? string.Create(CultureInfo.InvariantCulture, $"; it asks to wait {pause.TotalSeconds:N0} seconds")
                : "";
            throw new ControlNetException($"{options.Endpoint.Host}: {error.Message}{asked}.", error);
        }
    }
}
