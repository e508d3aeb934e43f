namespace ControlNet.ML.Cli;

/// <summary>Invalid or contradictory arguments: exit code 2.</summary>
/// <param name="message">What was found and what was expected.</param>
internal sealed class UsageException(string message) : Exception(message);
