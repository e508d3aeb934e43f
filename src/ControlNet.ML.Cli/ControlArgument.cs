using System.Globalization;
using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Cli;

/// <summary>A control on the command line: NAME[:SCALE[:START-END]], for instance <c>emoji/canny:0.8:0-0.6</c>.</summary>
/// <param name="Name">Name, folder or file of the network.</param>
/// <param name="Scale">Factor of its residuals.</param>
/// <param name="Start">Where its window begins, 0 to 1.</param>
/// <param name="End">Where it ends, 0 to 1.</param>
internal sealed record ControlArgument(string Name, double Scale = 1, double Start = 0, double End = 1)
{
    /// <summary>Reads one. Colons inside the name (a Windows path) stay in it: only what reads as numbers is taken from the end.</summary>
    /// <exception cref="UsageException">The scale or window is out of range.</exception>
    public static ControlArgument Parse(string text)
    {
        var parts = text.Split(':');
        if (parts.Length >= 3 && Window(parts[^1]) is var (start, end) && Number(parts[^2]) is { } scale)
            return new ControlArgument(string.Join(':', parts[..^2]), scale, start, end).Checked(text);
        if (parts.Length >= 2 && Number(parts[^1]) is { } only)
            return new ControlArgument(string.Join(':', parts[..^1]), only).Checked(text);
        return new ControlArgument(text).Checked(text);
    }

    /// <summary>Scale and window as the library takes them.</summary>
    public ControlUnit Unit(ControlWeighting weighting) => new() { Scale = Scale, Start = Start, End = End, Weighting = weighting };

    /// <summary>In the form it is read from.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Name}:{Scale:R}:{Start:R}-{End:R}");

    private ControlArgument Checked(string text)
    {
        if (Name.Length == 0)
            throw new UsageException($"--control '{text}' has no name, expected NAME[:SCALE[:START-END]].");
        return Unit(ControlWeighting.Uniform).Validate() is { } problem ? throw new UsageException($"--control '{text}': {problem}") : this;
    }

    private static double? Number(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : null;

    private static (double Start, double End)? Window(string text)
    {
        // The dash between two numbers, not that of an exponent.
        for (var dash = text.IndexOf('-', StringComparison.Ordinal); dash > 0; dash = text.IndexOf('-', dash + 1))
        {
            if (Number(text[..dash]) is { } start && Number(text[(dash + 1)..]) is { } end)
                return (start, end);
        }

        return null;
    }
}
