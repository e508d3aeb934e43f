namespace ControlNet.ML;

/// <summary>A network's output is not finite: the weights are damaged, or a value exceeded the range of its precision.</summary>
internal sealed class NotFiniteException : ControlNetException
{
    private const string Reason = "the network overflowed; a scale, weight or guidance closer to 1, or float32 weights, may help.";

    private NotFiniteException(string message)
        : base(message)
    {
    }

    /// <summary>Throws unless all values are finite.</summary>
    /// <param name="values">The values.</param>
    /// <param name="what">What they are, such as <c>The latents</c>.</param>
    /// <returns>The values.</returns>
    public static TensorData Check(TensorData values, string what) => Find(values, what) is { } error ? throw error : values;

    /// <summary>Finds the first value that is not finite; null if all are finite.</summary>
    /// <param name="values">The values.</param>
    /// <param name="what">What they are, such as <c>The latents</c>.</param>
    /// <param name="since">Since when, such as <c> after step 2 of 20</c>.</param>
    public static NotFiniteException? Find(TensorData values, string what, string since = "")
    {
        var at = Array.FindIndex(values.Values, value => !float.IsFinite(value));
        return at < 0 ? null : new NotFiniteException($"{what} are not finite{since}, at value {at:N0} of {values.Count:N0}: {Reason}");
    }

    /// <summary>An image with a value that is NaN.</summary>
    /// <param name="image">The image's index in its batch.</param>
    /// <param name="channel">The channel.</param>
    /// <param name="row">The row of pixels.</param>
    /// <param name="column">The column of pixels.</param>
    public static NotFiniteException OfImage(int image, int channel, int row, int column) =>
        new($"Image {image} is not a number (NaN) at channel {channel}, row {row}, column {column}: {Reason}");
}
