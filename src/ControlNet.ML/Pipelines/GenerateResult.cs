using System.Runtime.ExceptionServices;

namespace ControlNet.ML.Pipelines;

/// <summary>What one of several requests came to: a value, or the reason why there is none. A request that fails fails alone.</summary>
/// <typeparam name="T">What it makes.</typeparam>
/// <param name="Value">The value, or null.</param>
/// <param name="Failure">Why there is none, or null.</param>
internal sealed record GenerateResult<T>(T? Value, Exception? Failure)
    where T : class
{
    /// <summary>The value, or the failure thrown as it was.</summary>
    public T ValueOrThrow()
    {
        if (Failure is not null)
            ExceptionDispatchInfo.Throw(Failure);
        return Value!;
    }

    /// <summary>Applies the next stage to the value. A failure stays, and an own failure of the next stage becomes the result.</summary>
    public GenerateResult<TNext> Then<TNext>(Func<T, TNext> next)
        where TNext : class =>
        Value is { } value ? GenerateResult.Of(() => next(value)) : new GenerateResult<TNext>(null, Failure);
}

/// <summary>Makes them, and says which failures are a request's own.</summary>
internal static class GenerateResult
{
    /// <summary>
    /// Whether an error is about what was asked for, so that other images can still be made. A failing disk or device is not, nor is a
    /// cancellation.
    /// </summary>
    public static bool IsOwn(Exception error) =>
        error is ArgumentException || (error is ControlNetException && error.InnerException is not (IOException or UnauthorizedAccessException));

    /// <summary>Makes a value; an own failure becomes the result, any other error is thrown.</summary>
    public static GenerateResult<T> Of<T>(Func<T> make)
        where T : class
    {
        try
        {
            return new GenerateResult<T>(make(), null);
        }
        catch (Exception error) when (IsOwn(error))
        {
            return new GenerateResult<T>(null, error);
        }
    }
}
