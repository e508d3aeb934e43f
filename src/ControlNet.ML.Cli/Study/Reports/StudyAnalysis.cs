using ControlNet.ML.Cli.Study.Store;
using ControlNet.ML.Evaluation;

namespace ControlNet.ML.Cli.Study.Reports;

/// <summary>Computes what a study found, from the answers that there are.</summary>
internal static class StudyAnalysis
{
    private const ulong Seed = 0;

    /// <summary>Computes the figures.</summary>
    public static StudyFigures Run(StudyFolder folder, CancellationToken cancellationToken)
    {
        var study = folder.Definition;
        var raters = folder.Answers.Raters();
        List<IReadOnlyList<AnsweredTask>> answers = [];
        foreach (var rater in raters)
        {
            cancellationToken.ThrowIfCancellationRequested();
            answers.Add(folder.Answers.Answered(rater.Number));
        }

        var total = study.TaskCount;
        var progress = new StudyProgress(
            raters.Count,
            answers.Count(tasks => tasks.Count == total),
            answers.Count(tasks => tasks.Count > 0 && tasks.Count < total),
            answers.Sum(tasks => tasks.Count),
            raters.Count * total);
        return new StudyFigures(
            study.Form,
            study.Asked.Count(),
            study.Methods,
            progress,
            study.Form == StudyForm.Rank
                ? [.. study.Questions.Select(question => Rank(study, question, answers)).OfType<QuestionFigures>()]
                : [],
            study.Form == StudyForm.Which ? Which(study, answers) : null);
    }

    private static QuestionFigures? Rank(StudyDefinition study, StudyQuestion question, List<IReadOnlyList<AnsweredTask>> answers)
    {
        // For each rater the ranks of each group, in the order of the methods. A rater who stopped counts with what there is.
        List<Dictionary<int, int[]>> ranks =
        [
            .. answers
                .Select(tasks => tasks.Where(task => task.Task.Question == question).ToDictionary(
                    task => task.Task.Group,
                    task => study.Groups[task.Task.Group - 1].Images.Select(image => task.Values[image.Key]).ToArray()))
                .Where(groups => groups.Count > 0),
        ];
        if (ranks.Count == 0)
            return null;
        var means = AverageHumanRank.Compute([.. ranks.Select(groups => groups.Values.ToArray())], Seed);
        var methods = study.Methods.Select((name, method) => new MethodFigures(
            name,
            means[method].Mean,
            Finite(means[method].StandardDeviation),
            means[method].Interval,
            [
                .. Enumerable.Range(1, study.Methods.Count)
                    .Select(rank => ranks.Sum(groups => groups.Values.Count(values => values[method] == rank))),
            ]));
        var (kappa, whole) = Kappa(study, ranks);
        return new QuestionFigures(
            question, ranks.Count, ranks.Sum(groups => groups.Count), [.. methods], Alpha(study, ranks), kappa, whole);
    }

    private static double? Alpha(StudyDefinition study, List<Dictionary<int, int[]>> ranks)
    {
        var units = study.Asked.SelectMany(group => study.Methods.Select((_, method) => (group.Id, method))).ToList();
        return Alpha(
            [
                .. ranks.Select(groups => units.Select(unit =>
                    groups.TryGetValue(unit.Id, out var values) ? values[unit.method] : double.NaN).ToArray()),
            ],
            RatingScale.Ordinal);
    }

    /// <summary>Null where no image has two ratings, or all are equal.</summary>
    private static double? Alpha(IReadOnlyList<double[]> ratings, RatingScale scale) =>
        Enumerable.Range(0, ratings[0].Length).Any(unit => ratings.Count(row => !double.IsNaN(row[unit])) > 1)
            ? Finite(KrippendorffAlpha.Compute(ratings, scale))
            : null;

    private static (double? Kappa, int Raters) Kappa(StudyDefinition study, List<Dictionary<int, int[]>> ranks)
    {
        // It needs as many ratings of every group.
        int[] groups = [.. study.Asked.Select(group => group.Id)];
        var whole = ranks.Where(rater => rater.Count == groups.Length).ToList();
        if (whole.Count < 2)
            return (null, whole.Count);
        var best = study.Methods.Count;
        var counts = groups.Select(group => Enumerable.Range(0, study.Methods.Count)
            .Select(method => whole.Count(rater => rater[group][method] == best)).ToArray()).ToList();
        return (Finite(FleissKappa.Compute(counts)), whole.Count);
    }

    private static PrecisionFigures? Which(StudyDefinition study, List<IReadOnlyList<AnsweredTask>> answers)
    {
        // For each rater the image and the method that was named.
        var named = answers.Where(tasks => tasks.Count > 0)
            .Select(tasks => tasks.SelectMany(task => task.Values).ToDictionary(pair => pair.Key, pair => pair.Value)).ToList();
        if (named.Count == 0)
            return null;
        var precision = RaterPrecision.Compute(
            [.. named.Select(rater => rater.Select(pair => study.Find(pair.Key)!.Value.Method == pair.Value).ToArray())], Seed);
        var images = study.Asked.SelectMany(group => group.Images).Select(image => image.Key).ToList();
        var alpha = Alpha(
            [.. named.Select(rater => images.Select(key => rater.TryGetValue(key, out var method) ? method : double.NaN).ToArray())],
            RatingScale.Nominal);
        return new PrecisionFigures(
            named.Count,
            named.Sum(rater => rater.Count),
            precision.Mean,
            precision.StandardDeviation,
            Finite(precision.SampleStandardDeviation),
            precision.Interval,
            precision.PerRater,
            alpha);
    }

    private static double? Finite(double value) => double.IsFinite(value) ? value : null;
}
