namespace ControlNet.ML;

/// <summary>
/// Something outside the program is missing or invalid: a file, a model folder, an image, the machine. The message says what was found,
/// where, and what was expected, and can be shown to the user unchanged: it is one line, with control characters of foreign texts escaped
/// (<c>\u001b</c>). Wrong arguments in code throw <see cref="ArgumentException"/> instead.
/// </summary>
public class ControlNetException : Exception
{
    /// <summary>Creates the exception without a message of its own.</summary>
    public ControlNetException()
    {
    }

    /// <summary>Creates the exception.</summary>
    /// <param name="message">What was found, where, and what was expected.</param>
    public ControlNetException(string message)
        : base(Internal.Message.Line(message))
    {
    }

    /// <summary>Creates the exception with its cause.</summary>
    /// <param name="message">What was found, where, and what was expected.</param>
    /// <param name="innerException">The cause.</param>
    public ControlNetException(string message, Exception innerException)
        : base(Internal.Message.Line(message), innerException)
    {
    }
}
