namespace ControlNet.ML.Diffusion;

/// <summary>The names of control weightings in command lines, tables, text columns and provenance.</summary>
public static class ControlWeightingNames
{
    private static readonly (string Name, ControlWeighting Weighting)[] Table =
    [
        ("uniform", ControlWeighting.Uniform),
        ("resolution", ControlWeighting.Resolution),
        ("guess", ControlWeighting.GuessLogspace),
        ("guess-original", ControlWeighting.GuessPower),
    ];

    /// <summary>The name of a weighting: <c>uniform</c>, <c>resolution</c>, <c>guess</c> or <c>guess-original</c>.</summary>
    /// <param name="weighting">The weighting.</param>
    /// <returns>The name.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The weighting is unknown.</exception>
    public static string Of(ControlWeighting weighting) => Array.Find(Table, row => row.Weighting == weighting).Name
        ?? throw new ArgumentOutOfRangeException(nameof(weighting), weighting, "Unknown weighting.");

    /// <summary>Parses a weighting's name, or its <see cref="ControlWeighting"/> member name, in upper or lower case.</summary>
    /// <param name="text">The name; surrounding white space is ignored.</param>
    /// <returns>The weighting.</returns>
    /// <exception cref="ControlNetException">The name is unknown; the message lists the names.</exception>
    public static ControlWeighting Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var name = text.Trim();
        foreach (var (own, weighting) in Table)
        {
            if (name.Equals(own, StringComparison.OrdinalIgnoreCase)
                || name.Equals(weighting.ToString(), StringComparison.OrdinalIgnoreCase))
                return weighting;
        }

        throw new ControlNetException(
            $"{Message.Name(text)} is not a control weighting, expected {Message.Choice([.. Table.Select(row => row.Name)])}.");
    }
}
