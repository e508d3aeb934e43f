using System.Globalization;

namespace ControlNet.ML.Diffusion;

/// <summary>
/// What may be a seed: -2^63 to 2^64 - 1, as <c>torch.Generator.manual_seed</c> takes it. A negative one counts from 2^64, so -1 is the largest
/// seed there is; none means a random one.
/// </summary>
internal static class SeedNumber
{
    /// <summary>What messages say is expected.</summary>
    public static readonly string Expected = string.Create(CultureInfo.InvariantCulture, $"a whole number from {long.MinValue} to {ulong.MaxValue}");

    // Beyond it a double has no place for every whole number.
    private const double LargestWholeDouble = 1L << 53;

    /// <summary>A seed from a text. Programs write whole numbers as 3.0 where their columns have gaps, so that is one.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The seed, or null if it is none.</returns>
    public static ulong? Parse(string text) =>
        decimal.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value == decimal.Truncate(value) ? Of(value) : null;

    /// <summary>A seed from a number of whatever numeric type.</summary>
    /// <param name="number">The number; of float and double up to 2^53, beyond which they do not have every whole number.</param>
    /// <returns>The seed, or null if it is none.</returns>
    public static ulong? Of(object number) => number switch
    {
        float or double => Convert.ToDouble(number, CultureInfo.InvariantCulture) is var real && Math.Abs(real) <= LargestWholeDouble && Math.Floor(real) == real
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
