using System.Globalization;

namespace ControlNet.ML.Components;

/// <summary>Reads what rows ask for, of columns of any numeric type, and says what is wrong with it.</summary>
internal static class Wishes
{
    // Beyond it a double has no place for every whole number.
    private const double LargestWhole = 1L << 53;

    /// <summary>Makes of a wrong argument an error of the options or of the row.</summary>
    /// <exception cref="ControlNetException">There was one.</exception>
    public static void Check(Action check)
    {
        try
        {
            check();
        }
        catch (ArgumentException error)
        {
            throw new ControlNetException(error.Message, error);
        }
    }

    /// <summary>A side of the pictures in pixels, that which the model was trained with if none is wanted.</summary>
    /// <exception cref="ControlNetException">It is no multiple of the autoencoder's factor, or too long.</exception>
    public static int Side(DiffusionModel model, int? wanted, string name)
    {
        var side = 0;
        Check(() => side = GenerationParts.Side(model, wanted, name));
        return side;
    }

    /// <summary>A number.</summary>
    public static double Number(RowBatch batch, int column, int row) =>
        Convert.ToDouble(batch.Number(column, row), CultureInfo.InvariantCulture);

    /// <summary>A whole number; a negative one is its two's complement.</summary>
    /// <exception cref="ControlNetException">It is not whole, or too large to be sure.</exception>
    public static ulong Seed(RowBatch batch, int column, int row) => batch.Number(column, row) switch
    {
        ulong seed => seed,
        float or double when Number(batch, column, row) is var number => Math.Abs(number) <= LargestWhole && Math.Floor(number) == number
            ? unchecked((ulong)(long)number)
            : throw Wrong(batch, column, row, "a whole number of at most 2^53"),
        var other => unchecked((ulong)Convert.ToInt64(other, CultureInfo.InvariantCulture)),
    };

    /// <summary>A whole number of a range.</summary>
    /// <exception cref="ControlNetException">It is not whole, or outside.</exception>
    public static int Whole(RowBatch batch, int column, int row, int least, int most)
    {
        var number = Number(batch, column, row);
        return number >= least && number <= most && Math.Floor(number) == number
            ? (int)number
            : throw Wrong(batch, column, row, $"a whole number from {least} to {most:N0}");
    }

    /// <summary>A name of an enumeration, in upper or lower case; null where the text is empty.</summary>
    /// <exception cref="ControlNetException">There is no such name.</exception>
    public static T? Choice<T>(RowBatch batch, int column, int row)
        where T : struct, Enum
    {
        var text = batch.Text(column, row);
        if (text.Length == 0)
            return null;
        var names = Enum.GetNames<T>();
        var found = Array.FindIndex(names, name => name.Equals(text, StringComparison.OrdinalIgnoreCase));
        return found >= 0
            ? Enum.Parse<T>(names[found])
            : throw new ControlNetException($"Column '{batch.Column(column).Name}' has {Message.Name(text)}, expected {Message.Choice(names)}.");
    }

    private static ControlNetException Wrong(RowBatch batch, int column, int row, string expected) =>
        new(string.Create(CultureInfo.InvariantCulture, $"Column '{batch.Column(column).Name}' has {batch.Number(column, row)}, expected {expected}."));
}
