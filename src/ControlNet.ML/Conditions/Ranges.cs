namespace ControlNet.ML.Conditions;

/// <summary>Checks of options.</summary>
internal static class Ranges
{
    /// <summary>A grey level.</summary>
    /// <param name="value">What was given.</param>
    /// <param name="name">What it is, as a message begins.</param>
    public static int Level(int value, string name) =>
        value is >= 0 and <= 255 ? value : throw new ControlNetException($"{name} is {value}, expected 0 to 255.");

    /// <summary>A number within bounds.</summary>
    /// <param name="value">What was given.</param>
    /// <param name="name">What it is, as a message begins.</param>
    /// <param name="least">The least.</param>
    /// <param name="most">The most.</param>
    public static double Number(double value, string name, double least, double most) =>
        value >= least && value <= most
            ? value
            : throw new ControlNetException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{name} is {value}, expected {least} to {most}."));
}
