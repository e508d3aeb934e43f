using System.Globalization;
using System.Text;
using ControlNet.ML.Evaluation;

namespace ControlNet.ML.Cli.Study.Reports;

/// <summary>The report of a study: a Markdown file with its plots beside it.</summary>
internal static class StudyReport
{
    /// <summary>Writes the report.</summary>
    /// <param name="stem">The name of its files, without the extension.</param>
    /// <param name="figures">What the study found.</param>
    /// <returns>The files.</returns>
    /// <exception cref="ControlNetException">One cannot be written.</exception>
    public static IReadOnlyList<string> Write(string stem, StudyFigures figures)
    {
        List<string> files = [];
        var text = new StringBuilder();
        text.AppendLine("# User study").AppendLine().AppendLine(Summary(figures, Escape));
        if (figures.Questions.Count > 0)
        {
            var plot = Plot("ranks", file => StudyPlot.WriteRanks(file, figures));
            text.AppendLine().AppendLine("## Average human rank").AppendLine();
            text.AppendLine($"From 1 (worst) to {figures.Methods.Count} (best). Intervals: 95% of the resamples of raters.");
            text.AppendLine().AppendLine($"![Average human rank of each method]({plot})");
            foreach (var question in figures.Questions)
            {
                var shares = Plot(StudyNames.Of(question.Question), file => StudyPlot.WriteShares(file, question));
                text.AppendLine().AppendLine($"### {Capital(StudyNames.Of(question.Question))}").AppendLine();
                foreach (var line in Table(question))
                    text.AppendLine(line);
                text.AppendLine().AppendLine(Agreement(question));
                text.AppendLine().AppendLine($"![Ranks given to each method for {StudyNames.Of(question.Question)}]({shares})");
            }
        }

        if (figures.Which is { } which)
        {
            var plot = Plot("which", file => StudyPlot.WritePrecision(file, which));
            text.AppendLine().AppendLine("## Which of the two made this image?").AppendLine().AppendLine(Precision(which));
            text.AppendLine().AppendLine($"![Share of right answers of each rater]({plot})");
        }

        files.Insert(0, $"{stem}.md");
        var bytes = Encoding.UTF8.GetBytes(text.ToString().ReplaceLineEndings("\n"));
        AtomicFile.Write(files[0], stream => stream.Write(bytes));
        return files;

        string Plot(string name, Action<string> write)
        {
            files.Add($"{stem}-{name}.svg");
            write(files[^1]);
            return Uri.EscapeDataString(Path.GetFileName(files[^1]));
        }
    }

    /// <summary>The lines to print.</summary>
    public static IEnumerable<string> Lines(StudyFigures figures)
    {
        yield return Summary(figures, name => name);
        foreach (var question in figures.Questions)
        {
            yield return "";
            var width = Math.Max(6, question.Methods.Max(method => method.Method.Length));
            yield return $"{StudyNames.Of(question.Question).PadRight(width)}    AHR     ±    95% interval";
            foreach (var method in question.Methods)
                yield return string.Create(
                    CultureInfo.InvariantCulture,
                    $"{method.Method.PadRight(width)}  {method.Mean,5:f2}  {Number(method.StandardDeviation),4}    "
                        + $"{method.Interval.Low:f2} to {method.Interval.High:f2}");
            yield return Agreement(question);
        }

        if (figures.Which is { } which)
            yield return Precision(which);
    }

    private static string Summary(StudyFigures figures, Func<string, string> written)
    {
        var p = figures.Progress;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{StudyNames.Count(figures.Groups, "group")} of {Message.List([.. figures.Methods.Select(written)])}; "
                + $"{StudyNames.Count(p.Raters, "rater")}: {p.Finished} finished, {p.Partial} answered a part, "
                + $"which counts too, {p.Raters - p.Finished - p.Partial} not begun; "
                + $"{p.Answers} of {StudyNames.Count(p.Questions, "question")} answered.");
    }

    private static IEnumerable<string> Table(QuestionFigures question)
    {
        var ranks = Enumerable.Range(1, question.Methods.Count).Select(rank => $"rank {rank}").ToList();
        yield return $"| method | average human rank | ± over raters | 95% interval | {string.Join(" | ", ranks)} |";
        yield return $"|---|---|---|---|{string.Concat(ranks.Select(_ => "---|"))}";
        foreach (var method in question.Methods)
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"| {Escape(method.Method)} | {method.Mean:f2} | {Number(method.StandardDeviation)} | {Interval(method.Interval)} | "
                    + $"{string.Join(" | ", method.Ranks)} |");
    }

    private static string Agreement(QuestionFigures question)
    {
        var kappa = question.FleissKappa is { } value
            ? $"Fleiss' kappa on the best image {Number(value)} (of the {question.FleissRaters} raters who ranked all groups)"
            : "Fleiss' kappa is not defined (it needs two raters who ranked all groups, and more than one method named best)";
        return $"{StudyNames.Count(question.Raters, "rater")} ranked {StudyNames.Count(question.Rankings, "group")} in all. Agreement: "
            + $"Krippendorff's alpha {Number(question.KrippendorffAlpha)} (ordinal); {kappa}.";
    }

    private static string Precision(PrecisionFigures which) => string.Create(
        CultureInfo.InvariantCulture,
        $"{which.Raters} raters named the maker of {which.Answers} images. Precision {which.Mean:f2} ± {which.StandardDeviation:f2} over "
            + $"raters (± {Number(which.SampleStandardDeviation)} over n - 1), 95% interval {Interval(which.Interval)}; chance is 0.50. "
            + $"Agreement: Krippendorff's alpha {Number(which.KrippendorffAlpha)} (nominal).");

    private static string Interval(ConfidenceInterval interval) =>
        string.Create(CultureInfo.InvariantCulture, $"{interval.Low:f2} to {interval.High:f2}");

    private static string Number(double? value) => value?.ToString("f2", CultureInfo.InvariantCulture) ?? "–";

    private static string Capital(string name) => $"{char.ToUpperInvariant(name[0])}{name[1..]}";

    /// <summary>A name as text of a table's cell.</summary>
    private static string Escape(string name) =>
        string.Concat(Message.Escape(name).Select(c => "\\`*_[]<>|#".Contains(c, StringComparison.Ordinal) ? $"\\{c}" : c.ToString()));
}
