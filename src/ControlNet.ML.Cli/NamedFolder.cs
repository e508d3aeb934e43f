namespace ControlNet.ML.Cli;

/// <summary>A folder with a name, which a command line gives as NAME=FOLDER.</summary>
/// <param name="Name">The name.</param>
/// <param name="Folder">The folder.</param>
internal sealed record NamedFolder(string Name, string Folder)
{
    /// <summary>Reads the value of an option.</summary>
    /// <param name="option">The option, for errors.</param>
    /// <param name="text">NAME=FOLDER; white space around the name is not part of it.</param>
    /// <exception cref="UsageException">The text is something else.</exception>
    public static NamedFolder Parse(string option, string text) =>
        text.Split('=', 2) is [var name, { Length: > 0 } folder] && name.Trim() is { Length: > 0 } trimmed
            ? new NamedFolder(trimmed, folder)
            : throw new UsageException($"{option} is {Message.Name(text)}, expected NAME=FOLDER.");
}
