using System.CommandLine;

namespace ControlNet.ML.Cli.Commands;

/// <summary>What commands that read text files have in common.</summary>
internal static class TextOptions
{
    /// <summary>How the text is encoded.</summary>
    public static Option<string?> Encoding() =>
        new("--encoding") { Description = "Encoding of the text file, if not UTF-8: windows-1252 for instance, as Excel's plain CSV has it. A byte order mark goes before it." };
}
