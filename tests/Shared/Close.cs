namespace ControlNet.ML.TestSupport;

/// <summary>Comparison of arrays of numbers, with a message that says where and by how much they differ.</summary>
public static class Close
{
    /// <summary>max |a - b| at most tolerance x max(1, max |b|).</summary>
    public static void Relative(ReadOnlySpan<double> expected, ReadOnlySpan<float> actual, double tolerance, string what, double floor = 1)
    {
        Assert.True(expected.Length == actual.Length, $"{what}: {actual.Length} values, expected {expected.Length}");
        double largest = floor, worst = 0;
        var at = 0;
        for (var i = 0; i < expected.Length; i++)
        {
            largest = Math.Max(largest, Math.Abs(expected[i]));
            var difference = Math.Abs(expected[i] - actual[i]);
            if (!(difference <= worst))
                (worst, at) = (difference, i);
        }

        Assert.True(
            worst <= tolerance * largest,
            $"{what}: differs by {worst:g4} at {at} ({(actual.IsEmpty ? 0 : actual[at]):g9}, expected {(expected.IsEmpty ? 0 : expected[at]):g9}); allowed {tolerance * largest:g4}");
    }
}
