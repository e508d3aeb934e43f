using System.Numerics;

namespace ControlNet.ML.TestSupport;

/// <summary>
/// Compares numbers within a tolerance, with a message that says where and by how much they differ. All tests use this class for it,
/// because a loop or a <c>Max</c> over differences easily lets a NaN pass: here a NaN on either side fails, and an infinity equals only
/// itself.
/// </summary>
public static class Close
{
    /// <summary>Asserts that max |a - b| is at most tolerance x max(floor, max |a|), where a is expected.</summary>
    public static void Relative(ReadOnlySpan<double> expected, ReadOnlySpan<float> actual, double tolerance, string what, double floor = 1)
    {
        var largest = floor;
        foreach (var value in expected)
        {
            if (double.IsFinite(value))
                largest = Math.Max(largest, Math.Abs(value));
        }

        Absolute(expected, actual, tolerance * largest, what);
    }

    /// <summary>Asserts that max |a - b| is at most what is allowed.</summary>
    public static void Absolute<TExpected, TActual>(
        ReadOnlySpan<TExpected> expected, ReadOnlySpan<TActual> actual, double allowed, string what)
        where TExpected : INumberBase<TExpected>
        where TActual : INumberBase<TActual>
    {
        Assert.True(expected.Length == actual.Length, $"{what}: {actual.Length} values, expected {expected.Length}");
        var worst = (At: -1, Difference: 0.0);
        for (var i = 0; i < expected.Length; i++)
        {
            var difference = Difference(double.CreateChecked(expected[i]), double.CreateChecked(actual[i]));
            if (worst.At < 0 || difference > worst.Difference)
                worst = (i, difference);
        }

        if (worst.At >= 0)
            Number(double.CreateChecked(expected[worst.At]), double.CreateChecked(actual[worst.At]), allowed, $"{what} at {worst.At}");
    }

    /// <summary>Asserts that |a - b| is at most what is allowed.</summary>
    public static void Number(double expected, double actual, double allowed, string what) =>
        Assert.True(IsWithin(expected, actual, allowed), $"{what} is {actual:r}, expected {expected:r} to {allowed:g4}");

    /// <summary>Whether |a - b| is at most what is allowed, to search among several candidates.</summary>
    public static bool IsWithin(double expected, double actual, double allowed) =>
        double.IsFinite(allowed) && Difference(expected, actual) <= allowed;

    /// <summary>|a - b|; infinite if either is NaN, and 0 for equal infinities.</summary>
    private static double Difference(double expected, double actual)
    {
        if (expected == actual)
            return 0;
        var difference = Math.Abs(expected - actual);
        return double.IsNaN(difference) ? double.PositiveInfinity : difference;
    }
}
