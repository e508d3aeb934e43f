namespace ControlNet.ML.Conditions;

/// <summary>Range checks of options.</summary>
internal static class Ranges
{
    /// <summary>Checks a grey level.</summary>
    /// <param name="value">The value.</param>
    /// <param name="name">Its name, with which the message begins.</param>
    public static int Level(int value, string name) =>
        value is >= 0 and <= 255 ? value : throw new ControlNetException($"{name} is {value}, expected 0 to 255.");

    /// <summary>Checks a number.</summary>
    /// <param name="value">The value.</param>
    /// <param name="name">Its name, with which the message begins.</param>
    /// <param name="least">The minimum.</param>
    /// <param name="most">The maximum.</param>
    public static double Number(double value, string name, double least, double most) =>
        value >= least && value <= most
            ? value
            : throw new ControlNetException(
                string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{name} is {value}, expected {least} to {most}."));
}
