namespace ControlNet.ML.Cli;

/// <summary>Arguments that do not go together or cannot be read: exit code 2.</summary>
/// <param name="message">What was found and what was expected.</param>
internal sealed class UsageException(string message) : Exception(message);
