namespace ControlNet.ML;

/// <summary>The names of <see cref="PromptSyntax"/>, on command lines and in tables.</summary>
internal static class PromptSyntaxNames
{
    /// <summary>All names.</summary>
    public static IReadOnlyList<string> All { get; } = [.. Enum.GetValues<PromptSyntax>().Select(Of)];

    /// <summary>A syntax's name: <c>plain</c> or <c>weighted</c>.</summary>
    public static string Of(PromptSyntax syntax) => syntax.ToString().ToLowerInvariant();

    /// <summary>Parses a name, in upper or lower case.</summary>
    /// <param name="text">The name; surrounding white space is ignored.</param>
    /// <exception cref="ControlNetException">The name is unknown; the message lists the names.</exception>
    public static PromptSyntax Parse(string text)
    {
        var name = text.Trim();
        foreach (var syntax in Enum.GetValues<PromptSyntax>())
        {
            if (name.Equals(Of(syntax), StringComparison.OrdinalIgnoreCase))
                return syntax;
        }

        throw new ControlNetException($"{Message.Name(text)} is not a prompt syntax, expected {Message.Choice(All)}.");
    }
}
