using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Cli;

/// <summary>The value of <c>--seed</c>: a number, or <c>random</c>.</summary>
/// <param name="Value">The seed.</param>
/// <param name="IsDrawn">Whether it was drawn.</param>
internal sealed record SeedChoice(ulong Value, bool IsDrawn)
{
    private const string Random = "random";

    /// <summary>The option.</summary>
    /// <param name="description">Its description.</param>
    /// <param name="otherwise">The default.</param>
    public static Option<SeedChoice> Option(string description, ulong otherwise)
    {
        // Drawn once, however often the parser asks.
        var drawn = new Lazy<SeedChoice>(Draw);
        return new Option<SeedChoice>("--seed")
        {
            Description = $"{description} 'random' draws one and prints it.",
            HelpName = "seed",
            DefaultValueFactory = _ => new SeedChoice(otherwise, false),
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                if (text.Equals(Random, StringComparison.OrdinalIgnoreCase))
                    return drawn.Value;
                if (SeedNumber.Parse(text) is { } seed)
                    return new SeedChoice(seed, false);
                result.AddError($"--seed is {Message.Name(text)}, expected {SeedNumber.Expected}, or {Random}.");
                return null;
            },
        };
    }

    /// <summary>
    /// The seed to use for a run that may continue an earlier one: a drawn seed gives way to that of the earlier call, which drew its own.
    /// </summary>
    /// <param name="earlier">The seed of the run in the folder, or null for a new run.</param>
    public SeedChoice Resumed(string? earlier) =>
        IsDrawn && earlier is not null && SeedNumber.Parse(earlier) is { } seed ? this with { Value = seed } : this;

    /// <summary>Says which seed was drawn.</summary>
    public void Report(Terminal terminal)
    {
        if (IsDrawn)
            terminal.Say($"--seed {this}");
    }

    /// <summary>The seed as it is typed and, as the default, listed in the help.</summary>
    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);

    /// <summary>31 random bits: short enough to be typed again.</summary>
    private static SeedChoice Draw() => new((ulong)RandomNumberGenerator.GetInt32(int.MaxValue), true);
}
