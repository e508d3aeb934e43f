using System.Runtime.ExceptionServices;

namespace ControlNet.ML.Pipelines;

/// <summary>
/// The result of one of several requests: a value, or the reason why there is none. A request that fails does not affect the others.
/// </summary>
/// <typeparam name="T">The type of the value.</typeparam>
/// <param name="Value">The value, or null.</param>
/// <param name="Failure">Why there is none, or null.</param>
internal sealed record GenerateResult<T>(T? Value, Exception? Failure)
    where T : class
{
    /// <summary>The value; a failure is rethrown.</summary>
    public T ValueOrThrow()
    {
        if (Failure is not null)
            ExceptionDispatchInfo.Throw(Failure);
        return Value!;
    }

    /// <summary>Applies the next stage to the value. A failure is kept, and an own failure of the next stage becomes the result.</summary>
    public GenerateResult<TNext> Then<TNext>(Func<T, TNext> next)
        where TNext : class =>
        Value is { } value ? GenerateResult.Of(() => next(value)) : new GenerateResult<TNext>(null, Failure);
}

/// <summary>Creates results, and tells a request's own failures from others.</summary>
internal static class GenerateResult
{
    /// <summary>
    /// Whether an error concerns only its request, so that other images can still be generated. A failing disk or device does not, nor does
    /// a cancellation.
    /// </summary>
    public static bool IsOwn(Exception error) =>
        error is ArgumentException
            || (error is ControlNetException && error.InnerException is not (IOException or UnauthorizedAccessException));

    /// <summary>Computes a value; an own failure becomes the result, any other error is thrown.</summary>
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
