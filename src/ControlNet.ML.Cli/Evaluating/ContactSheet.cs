using System.Globalization;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Evaluating;

/// <summary>The first rows of an evaluation on one image: the condition, then the image of each method.</summary>
internal static class ContactSheet
{
    /// <summary>The maximum number of rows.</summary>
    public const int MostRows = 100;

    /// <summary>The name of its file.</summary>
    public const string FileName = "evaluation.png";

    private const int Cell = 256, Gap = 4;

    /// <summary>The file in which the condition of a row is kept for it.</summary>
    public static string ConditionFile(string folder, long row) =>
        Path.Combine(folder, "conditions", string.Create(CultureInfo.InvariantCulture, $"{row:00000000}.png"));

    /// <summary>The columns of the sheet of an evaluation.</summary>
    public static IReadOnlyList<string> Columns(string folder, EvaluationSummary summary) =>
    [
        .. HasConditions(folder, summary.Record) ? ["condition"] : Array.Empty<string>(),
        .. summary.Methods.Select(method => method.Name),
    ];

    /// <summary>Writes the sheet; none if it would have no rows.</summary>
    /// <exception cref="ControlNetException">It cannot be written.</exception>
    public static void Write(string folder, EvaluationSummary summary)
    {
        var (record, file) = (summary.Record, Path.Combine(folder, FileName));
        var rows = (int)Math.Min(record.SheetRows, record.Rows);
        if (rows == 0)
        {
            File.Delete(file);
            return;
        }

        List<ImageBuffer> cells = [];
        var hasConditions = HasConditions(folder, record);
        for (var row = 0L; row < rows; row++)
        {
            if (hasConditions)
                cells.Add(Thumbnail(ConditionFile(folder, row)));
            foreach (var method in record.Methods)
            {
                var name = summary.Entries[(method.Name, row)].File;
                cells.Add(Thumbnail(name is null ? null : Path.Combine(folder, method.Folder, name)));
            }
        }

        ImageCodec.SavePng(file, ImageGrid.Compose(cells, record.Methods.Count + (hasConditions ? 1 : 0), Gap));
    }

    private static bool HasConditions(string folder, EvaluationRecord record) =>
        Enumerable.Range(0, (int)Math.Min(record.SheetRows, record.Rows)).Any(row => File.Exists(ConditionFile(folder, row)));

    /// <summary>An image as a cell; a white one for an image that is missing or cannot be read.</summary>
    private static ImageBuffer Thumbnail(string? file)
    {
        try
        {
            if (file is not null && File.Exists(file))
            {
                var image = Color.Rgb(SourceFile.Image(file));
                var scale = Math.Min(1.0, (double)Cell / Math.Max(image.Width, image.Height));
                return scale == 1
                    ? image
                    : Resize.Apply(
                        image, Math.Max(1, (int)(image.Width * scale)), Math.Max(1, (int)(image.Height * scale)), Interpolation.Area);
            }
        }
        catch (ControlNetException)
        {
            // It is counted as failed in the report.
        }

        var blank = new ImageBuffer(1, 1, 3);
        Array.Fill(blank.Samples, byte.MaxValue);
        return blank;
    }
}
