using System.Globalization;
using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Rows;

/// <summary>Parses the numbers of a row, from strings and from numbers of any type, in the invariant culture.</summary>
internal static class RowNumbers
{
    /// <summary>A finite number.</summary>
    /// <exception cref="RowException">The value is not one.</exception>
    public static double Real(RowValue value)
    {
        var number = value.Value switch
        {
            string text =>
                double.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var parsed) ? parsed : double.NaN,
            var other => Convert.ToDouble(other, CultureInfo.InvariantCulture),
        };
        return double.IsFinite(number) ? number : throw Wrong(value, "a number");
    }

    /// <summary>A whole number in a range. Programs write 3.0 in columns with gaps, so 3.0 is valid.</summary>
    /// <exception cref="RowException">The value is not whole, or is outside the range.</exception>
    public static int Whole(RowValue value, int least, int most)
    {
        var number = value.Value switch
        {
            // Every digit of a string counts: 3.00000000000000001 is not a whole number.
            string text =>
                decimal.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var parsed)
                && parsed == decimal.Truncate(parsed)
                    ? (double)parsed
                    : double.NaN,
            var other => Convert.ToDouble(other, CultureInfo.InvariantCulture),
        };
        return number >= least && number <= most && Math.Floor(number) == number
            ? (int)number
            : throw Wrong(value, string.Create(CultureInfo.InvariantCulture, $"a whole number from {least:N0} to {most:N0}"));
    }

    /// <summary>A seed.</summary>
    /// <exception cref="RowException">The value is not one.</exception>
    public static ulong Seed(RowValue value) =>
        (value.Value is string text ? SeedNumber.Parse(text) : SeedNumber.Of(value.Value))
        ?? throw Wrong(value, value.Value is float or double ? "a whole number of at most 2^53" : SeedNumber.Expected);

    private static RowException Wrong(RowValue value, string expected) =>
        new(value.Column, $"it is {value}, expected {expected}{Form(value.Value as string ?? "")}.");

    /// <summary>The expected number format, if a string seems to have that of another culture.</summary>
    private static string Form(string text) =>
        text.Any(char.IsAsciiDigit) && text.Trim().Any(c => c is ',' or '\'' or '’' or '−' || char.IsWhiteSpace(c))
        ? " with a point before the decimals, the sign '-', and nothing between the thousands"
        : "";
}
