namespace ControlNet.ML.Cli;

/// <summary>Invalid or contradictory arguments: exit code 2.</summary>
/// <param name="message">What was found and what was expected.</param>
internal sealed class UsageException(string message) : Exception(message)
{
    /// <summary>Evaluates arguments, without reading files: what fails is an argument, and not a file or the machine.</summary>
    /// <exception cref="UsageException">It fails.</exception>
    public static T Of<T>(Func<T> evaluate)
    {
        try
        {
            return evaluate();
        }
        catch (Exception e) when (e is ControlNetException or ArgumentException)
        {
            throw new UsageException(Internal.Message.Of(e));
        }
    }

    /// <summary>Throws if there is a problem with the arguments.</summary>
    /// <exception cref="UsageException">There is one.</exception>
    public static void ThrowIf(string? problem)
    {
        if (problem is not null)
            throw new UsageException(problem);
    }
}
