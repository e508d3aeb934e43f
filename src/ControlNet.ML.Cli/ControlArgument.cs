using System.Globalization;
using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Cli;

/// <summary>A value of --control: NAME[:SCALE[:START-END]], for instance <c>emoji/canny:0.8:0-0.6</c>.</summary>
/// <param name="Name">Name, folder or file of the network.</param>
/// <param name="Scale">Conditioning scale: the factor of the residuals.</param>
/// <param name="Start">Share of the steps at which the network starts to apply, 0 to 1.</param>
/// <param name="End">Share of the steps at which it stops, 0 to 1.</param>
internal sealed record ControlArgument(string Name, double Scale = 1, double Start = 0, double End = 1)
{
    /// <summary>Parses the text. Colons in the name (a Windows path) stay in it: only numbers are taken from the end.</summary>
    /// <exception cref="UsageException">The scale, start or end is out of range, or the name is empty.</exception>
    public static ControlArgument Parse(string text)
    {
        var parts = text.Split(':');
        if (parts.Length >= 3 && Window(parts[^1]) is var (start, end) && Number(parts[^2]) is { } scale)
            return new ControlArgument(string.Join(':', parts[..^2]), scale, start, end).Checked(text);
        if (parts.Length >= 2 && Number(parts[^1]) is { } only)
            return new ControlArgument(string.Join(':', parts[..^1]), only).Checked(text);
        return new ControlArgument(text).Checked(text);
    }

    /// <summary>Scale, start and end as the library's <see cref="ControlUnit"/>.</summary>
    public ControlUnit Unit(ControlWeighting weighting) => new() { Scale = Scale, Start = Start, End = End, Weighting = weighting };

    /// <summary>The text that <see cref="Parse"/> reads.</summary>
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
        // The dash between two numbers, not the minus of an exponent.
        for (var dash = text.IndexOf('-', StringComparison.Ordinal); dash > 0; dash = text.IndexOf('-', dash + 1))
        {
            if (Number(text[..dash]) is { } start && Number(text[(dash + 1)..]) is { } end)
                return (start, end);
        }

        return null;
    }
}
