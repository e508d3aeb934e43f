using System.Globalization;
using ControlNet.ML.Cli.Scoring;
using ControlNet.ML.Evaluation;
using nietras.SeparatedValues;

namespace ControlNet.ML.Cli.Comparing;

/// <summary>The distances of images as text, JSON and CSV, with a summary.</summary>
internal static class CompareReport
{
    /// <summary>Prints the distances.</summary>
    /// <param name="terminal">Where to.</param>
    /// <param name="rows">The images.</param>
    /// <param name="json">Whether as one JSON document.</param>
    public static void Print(Terminal terminal, IReadOnlyList<ComparedImage> rows, bool json)
    {
        var good = rows.Where(row => row.Error is null).ToList();
        if (json)
        {
            Json.Print(terminal, new { images = rows.Select(Document), summary = good.Count > 0 ? Summary(rows, good) : null });
            return;
        }

        var width = Math.Clamp(rows.Max(row => row.Name.Length), 4, 40);
        terminal.Result($"{"name".PadRight(width)}  {"PSNR",8}  {"SSIM",8}  {"max",4}  {"differing",9}");
        foreach (var row in rows)
            terminal.Result(row.Error is { } error ? $"{row.Name.PadRight(width)}  {error}" : Line(row.Name.PadRight(width), row));
        if (good.Count > 1)
        {
            var all = Summary(rows, good);
            terminal.Result();
            terminal.Result(string.Create(
                CultureInfo.InvariantCulture,
                $"{good.Count} of {rows.Count} images: PSNR {Decibels(all.Psnr)} dB in all, {Decibels(all.LowestPsnr)} at worst; SSIM "
                    + $"{all.MeanSsim:f4} on average, {all.LowestSsim:f4} at worst; at most {all.Max} levels, {all.Differing:p2} of the "
                    + $"samples differ"));
        }
    }

    /// <summary>Writes the distances as CSV.</summary>
    /// <exception cref="ControlNetException">The file cannot be written.</exception>
    public static void WriteCsv(string file, IReadOnlyList<ComparedImage> rows)
    {
        AtomicFile.Write(file, stream =>
        {
            using var text = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
            using var writer = Sep.New(',').Writer(options => options with { Escape = true }).To(text);
            foreach (var image in rows)
            {
                using var row = writer.NewRow();
                row["name"].Set(image.Name);
                row["prompt"].Set(image.Prompt);
                row["psnr"].Set(ResultColumns.Text(image.Psnr));
                row["ssim"].Set(ResultColumns.Text(image.Ssim));
                row["max"].Set(ResultColumns.Text(image.Max));
                row["differing"].Set(ResultColumns.Text(image.Differing));
                row["error"].Set(image.Error);
            }
        });
    }

    private static object Document(ComparedImage row) => new
    {
        row.Name,
        row.Prompt,
        psnr = Finite(row.Psnr),
        identical = row.SquaredError == 0,
        row.Ssim,
        row.Max,
        row.Differing,
        row.Error,
    };

    private static CompareSummary Summary(IReadOnlyList<ComparedImage> rows, List<ComparedImage> good)
    {
        var similar = good.Where(row => row.Ssim is not null).ToList();
        return new CompareSummary(
            rows.Count,
            rows.Count - good.Count,
            Finite(PeakSignalToNoise.OfError(good.Average(row => row.SquaredError!.Value))),
            Finite(good.Min(row => row.Psnr)),
            similar.Count > 0 ? similar.Average(row => row.Ssim) : null,
            similar.Min(row => row.Ssim),
            good.Max(row => row.Max!.Value),
            good.Average(row => row.Differing!.Value));
    }

    private static string Line(string name, ComparedImage row) => string.Create(
        CultureInfo.InvariantCulture,
        $"{name}  {Decibels(Finite(row.Psnr)),8}  {row.Ssim?.ToString("f4", CultureInfo.InvariantCulture) ?? "-",8}  {row.Max,4}  "
            + $"{row.Differing,9:p2}");

    /// <summary>JSON has no infinity: of equal images the ratio is null, or "equal".</summary>
    private static double? Finite(double? psnr) => psnr is { } value && double.IsFinite(value) ? value : null;

    private static string Decibels(double? psnr) => psnr?.ToString("f2", CultureInfo.InvariantCulture) ?? "equal";
}
