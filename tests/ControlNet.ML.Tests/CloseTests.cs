using FsCheck;
using FsCheck.Xunit;
using Xunit.Sdk;

namespace ControlNet.ML.Tests;

/// <summary>The comparison that the parity tests rest on.</summary>
public class CloseTests
{
    [Property]
    public void A_NaN_fails_wherever_it_is(NonEmptyArray<short> values, ushort place, bool isExpected, bool isNegative)
    {
        var (expected, actual) = Equal(values.Get);
        var nan = isNegative ? float.NegativeInfinity - float.NegativeInfinity : float.NaN;
        if (isExpected)
            expected[place % expected.Length] = nan;
        else
            actual[place % actual.Length] = nan;
        Fails(expected, actual, double.MaxValue);
    }

    [Property]
    public void An_infinity_equals_itself_alone(NonEmptyArray<short> values, ushort place, bool isExpected)
    {
        var (expected, actual) = Equal(values.Get);
        var at = place % expected.Length;
        (expected[at], actual[at]) = (double.PositiveInfinity, float.PositiveInfinity);
        Passes(expected, actual, 0);
        if (isExpected)
            actual[at] = values.Get[at];
        else
            expected[at] = values.Get[at];
        Fails(expected, actual, double.MaxValue);
        expected[at] = double.NegativeInfinity;
        actual[at] = float.PositiveInfinity;
        Fails(expected, actual, double.MaxValue);
    }

    [Property]
    public void One_value_that_differs_by_more_than_allowed_fails_wherever_it_is(NonEmptyArray<short> values, ushort place, byte excess, bool isLess)
    {
        const int allowed = 100;
        var (expected, actual) = Equal(values.Get);
        var at = place % expected.Length;
        var sign = isLess ? -1 : 1;
        actual[at] += sign * allowed;
        Passes(expected, actual, allowed);
        actual[at] += sign * (1 + excess);
        Fails(expected, actual, allowed);
    }

    [Property]
    public void The_relative_bound_grows_with_the_largest_expected_value_and_never_falls_below_the_floor(NonEmptyArray<short> values, ushort place)
    {
        var (expected, actual) = Equal(values.Get);
        var bound = Math.Max(8, expected.Max(Math.Abs)) / 4;
        actual[place % actual.Length] += (float)bound;
        Close.Relative(expected, actual, 0.25, "values", floor: 8);
        actual[place % actual.Length] += 0.25f;
        Assert.Throws<TrueException>(() => Close.Relative(expected, actual, 0.25, "values", floor: 8));
    }

    [Fact]
    public void The_worst_place_is_named()
    {
        var error = Assert.Throws<TrueException>(() => Close.Relative([1, 2, 3], [1.5f, 4, 3.5f], 0.1, "latents"));
        Assert.Contains("latents at 1 is 4, expected 2 to 0.3", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<TrueException>(() => Close.Relative([1, 2, 3], [float.NaN, 4, 3.5f], 0.1, "latents"));
        Assert.Contains("latents at 0 is NaN, expected 1 to 0.3", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_lengths_fail_and_an_unbounded_tolerance_allows_nothing()
    {
        Fails([1, 2], [1], 10);
        Fails([1], [1, 2], 10);
        Passes([], [], 0);
        Fails([1], [1], double.NaN);
        Fails([1], [2], double.PositiveInfinity);
    }

    private static (double[] Expected, float[] Actual) Equal(short[] values) =>
        (Array.ConvertAll(values, value => (double)value), Array.ConvertAll(values, value => (float)value));

    private static void Passes(double[] expected, float[] actual, double allowed)
    {
        Close.Absolute(expected, actual, allowed, "values");
        Assert.All(expected.Zip(actual), pair => Assert.True(Close.IsWithin(pair.First, pair.Second, allowed)));
    }

    private static void Fails(double[] expected, float[] actual, double allowed)
    {
        Assert.Throws<TrueException>(() => Close.Absolute(expected, actual, allowed, "values"));
        if (expected.Length == actual.Length)
            Assert.Contains(expected.Zip(actual), pair => !Close.IsWithin(pair.First, pair.Second, allowed));
    }
}
