using System.CommandLine;

namespace ControlNet.ML.Cli.Commands;

/// <summary>Options of the commands that read text files.</summary>
internal static class TextOptions
{
    /// <summary>The text's encoding.</summary>
    public static Option<string?> Encoding() => new("--encoding")
    {
        Description = "Encoding of the text file if it is not UTF-8, for instance windows-1252 for Excel's plain CSV. A byte order mark "
            + "overrides it.",
    };

    /// <summary>Checks a value of <see cref="Encoding"/>.</summary>
    /// <exception cref="UsageException">There is no such encoding.</exception>
    public static string? EncodingOf(string? name)
    {
        UsageException.Of(() => EncodedText.Find(name));
        return name;
    }
}
