using System.Globalization;
using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Components;

/// <summary>Reads what rows ask for, of columns of any numeric type, and says what is wrong with it.</summary>
internal static class Wishes
{
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

    /// <summary>A side of the images in pixels, that which the model was trained with if none is wanted.</summary>
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

    /// <summary>A seed.</summary>
    /// <exception cref="ControlNetException">It is none.</exception>
    public static ulong Seed(RowBatch batch, int column, int row) => SeedNumber.Of(batch.Number(column, row)) ?? throw Wrong(
        batch, column, row, batch.Number(column, row) is float or double ? "a whole number of at most 2^53" : SeedNumber.Expected);

    /// <summary>A whole number of a range.</summary>
    /// <exception cref="ControlNetException">It is not whole, or outside.</exception>
    public static int Whole(RowBatch batch, int column, int row, int least, int most)
    {
        var number = Number(batch, column, row);
        return number >= least && number <= most && Math.Floor(number) == number
            ? (int)number
            : throw Wrong(batch, column, row, $"a whole number from {least} to {most:N0}");
    }

    /// <summary>A weighting by its name; null where the text is empty.</summary>
    /// <exception cref="ControlNetException">There is no such name.</exception>
    public static ControlWeighting? Weighting(RowBatch batch, int column, int row)
    {
        var text = batch.Text(column, row);
        if (text.Length == 0)
            return null;
        try
        {
            return ControlWeightingNames.Parse(text);
        }
        catch (ControlNetException error)
        {
            throw new ControlNetException($"Column '{batch.Column(column).Name}': {error.Message}", error);
        }
    }

    private static ControlNetException Wrong(RowBatch batch, int column, int row, string expected) =>
        new(string.Create(CultureInfo.InvariantCulture, $"Column '{batch.Column(column).Name}' has {batch.Number(column, row)}, expected {expected}."));
}
