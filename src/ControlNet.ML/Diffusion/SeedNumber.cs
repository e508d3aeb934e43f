using System.Globalization;

namespace ControlNet.ML.Diffusion;

/// <summary>
/// Valid seeds: -2^63 to 2^64 - 1, as in <c>torch.Generator.manual_seed</c>. A negative seed is its two's complement, so -1 is the largest
/// seed; no seed means a random one.
/// </summary>
internal static class SeedNumber
{
    /// <summary>The expected range, for messages.</summary>
    public static readonly string Expected = string.Create(
        CultureInfo.InvariantCulture, $"a whole number from {long.MinValue} to {ulong.MaxValue}");

    // Above this, a double cannot represent every whole number.
    private const double LargestWholeDouble = 1L << 53;

    /// <summary>Parses a seed. Programs write whole numbers as 3.0 in columns with gaps, so 3.0 is valid.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The seed, or null if the text is not one.</returns>
    public static ulong? Parse(string text) =>
        decimal.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value == decimal.Truncate(value)
            ? Of(value)
            : null;

    /// <summary>Converts a number of any numeric type to a seed.</summary>
    /// <param name="number">The number; a float or double up to 2^53, above which not every whole number can be represented.</param>
    /// <returns>The seed, or null if the number is not one.</returns>
    public static ulong? Of(object number) => number switch
    {
        float or double =>
            Convert.ToDouble(number, CultureInfo.InvariantCulture) is var real
            && Math.Abs(real) <= LargestWholeDouble
            && Math.Floor(real) == real
                ? unchecked((ulong)(long)real)
                : null,
        _ => Of(Convert.ToDecimal(number, CultureInfo.InvariantCulture)),
    };

    private static ulong? Of(decimal value) => value switch
    {
        >= 0 and <= ulong.MaxValue => (ulong)value,
        >= long.MinValue and < 0 => unchecked((ulong)(long)value),
        _ => null,
    };
}
