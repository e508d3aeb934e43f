using System.Globalization;
using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Rows;

/// <summary>Numbers of a row, from texts and from numbers of any type, in the invariant form.</summary>
internal static class RowNumbers
{
    /// <summary>A finite number.</summary>
    /// <exception cref="RowException">It is none.</exception>
    public static double Real(RowValue value)
    {
        var number = value.Value switch
        {
            string text => double.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var parsed) ? parsed : double.NaN,
            var other => Convert.ToDouble(other, CultureInfo.InvariantCulture),
        };
        return double.IsFinite(number) ? number : throw Wrong(value, "a number");
    }

    /// <summary>A whole number of a range. Programs write 3.0 where their columns have gaps, so that is one.</summary>
    /// <exception cref="RowException">It is not whole, or outside.</exception>
    public static int Whole(RowValue value, int least, int most)
    {
        var number = value.Value switch
        {
            // Of a text every digit counts: 3.00000000000000001 is no whole number.
            string text => decimal.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out var parsed) && parsed == decimal.Truncate(parsed) ? (double)parsed : double.NaN,
            var other => Convert.ToDouble(other, CultureInfo.InvariantCulture),
        };
        return number >= least && number <= most && Math.Floor(number) == number
            ? (int)number
            : throw Wrong(value, string.Create(CultureInfo.InvariantCulture, $"a whole number from {least:N0} to {most:N0}"));
    }

    /// <summary>A seed.</summary>
    /// <exception cref="RowException">It is none.</exception>
    public static ulong Seed(RowValue value) =>
        (value.Value is string text ? SeedNumber.Parse(text) : SeedNumber.Of(value.Value))
        ?? throw Wrong(value, value.Value is float or double ? "a whole number of at most 2^53" : SeedNumber.Expected);

    private static RowException Wrong(RowValue value, string expected) => new(value.Column, $"it is {value}, expected {expected}{Form(value.Value as string ?? "")}.");

    /// <summary>How numbers are written, where a text looks like one of another country.</summary>
    private static string Form(string text) => text.Any(char.IsAsciiDigit) && text.Trim().Any(c => c is ',' or '\'' or '’' or '−' || char.IsWhiteSpace(c))
        ? " with a point before the decimals, the sign '-', and nothing between the thousands"
        : "";
}
