using System.Security.Cryptography;

namespace ControlNet.ML.Cli.Study;

/// <summary>Names that nobody can guess: of personal links and of images.</summary>
internal static class StudySecrets
{
    private const int Length = 26;

    /// <summary>130 random bits as letters and digits that are not mistaken for one another, in lower case only.</summary>
    public static string New() => RandomNumberGenerator.GetString("abcdefghijkmnpqrstuvwxyz23456789", Length);

    /// <summary>Whether a text may be such a name, so that nothing else is looked up.</summary>
    public static bool IsOne(string? text) => text is { Length: Length } && text.All(char.IsAsciiLetterOrDigit);
}
