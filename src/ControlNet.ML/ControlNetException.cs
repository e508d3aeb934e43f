namespace ControlNet.ML;

/// <summary>
/// Something outside the program is not as it has to be: a file, a model folder, an image, the machine.
/// The message says what was found, where, and what was expected, and is fit to be shown to the user as it stands: one line, in which
/// control characters of foreign texts are escaped (<c>\u001b</c>).
/// Wrong arguments in code stay <see cref="ArgumentException"/>.
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
