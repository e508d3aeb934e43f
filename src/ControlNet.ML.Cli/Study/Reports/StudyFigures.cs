using ControlNet.ML.Evaluation;

namespace ControlNet.ML.Cli.Study.Reports;

/// <summary>How far a study has got.</summary>
/// <param name="Raters">Raters with a link.</param>
/// <param name="Finished">Those who answered every question.</param>
/// <param name="Partial">Those who answered some.</param>
/// <param name="Answers">Questions that were answered.</param>
/// <param name="Questions">Questions to all raters.</param>
internal sealed record StudyProgress(int Raters, int Finished, int Partial, int Answers, int Questions);

/// <summary>The ranking of one method in one question.</summary>
/// <param name="Method">The method.</param>
/// <param name="Mean">The average human rank, 1 (worst) to the number of methods.</param>
/// <param name="StandardDeviation">The standard deviation of the raters' means; null for one rater.</param>
/// <param name="Interval">The bootstrap interval of the mean, over raters.</param>
/// <param name="Ranks">How often it was given each rank, from 1.</param>
internal sealed record MethodFigures(
    string Method, double Mean, double? StandardDeviation, ConfidenceInterval Interval, IReadOnlyList<int> Ranks);

/// <summary>The rankings of one question.</summary>
/// <param name="Question">The question.</param>
/// <param name="Raters">Raters who answered it for at least one group: each counts with what they answered.</param>
/// <param name="Rankings">Groups that were ranked, summed over the raters.</param>
/// <param name="Methods">The methods.</param>
/// <param name="KrippendorffAlpha">Agreement on the ranks (ordinal), over all answers; null where it is not defined.</param>
/// <param name="FleissKappa">Agreement on the best image, over the raters who ranked every group; null where it is not defined.</param>
/// <param name="FleissRaters">The number of those raters.</param>
internal sealed record QuestionFigures(
    StudyQuestion Question,
    int Raters,
    int Rankings,
    IReadOnlyList<MethodFigures> Methods,
    double? KrippendorffAlpha,
    double? FleissKappa,
    int FleissRaters);

/// <summary>How often raters named the right one of two methods.</summary>
/// <param name="Raters">Raters who answered at least once.</param>
/// <param name="Answers">Their answers.</param>
/// <param name="Mean">The mean share over raters; 0.5 is chance.</param>
/// <param name="StandardDeviation">Its standard deviation over raters, over n.</param>
/// <param name="SampleStandardDeviation">Its standard deviation over raters, over n - 1; null for one rater.</param>
/// <param name="Interval">The bootstrap interval of the mean, over raters.</param>
/// <param name="PerRater">Each rater's share.</param>
/// <param name="KrippendorffAlpha">Agreement on what was named, right or not; null where it is not defined.</param>
internal sealed record PrecisionFigures(
    int Raters,
    int Answers,
    double Mean,
    double StandardDeviation,
    double? SampleStandardDeviation,
    ConfidenceInterval Interval,
    IReadOnlyList<double> PerRater,
    double? KrippendorffAlpha);

/// <summary>What a study found.</summary>
/// <param name="Form">Its form.</param>
/// <param name="Groups">The number of groups that raters were asked about.</param>
/// <param name="Methods">The methods.</param>
/// <param name="Progress">How far it has got.</param>
/// <param name="Questions">The rankings, of the questions that have answers.</param>
/// <param name="Which">The precision, in the form "which" with answers.</param>
internal sealed record StudyFigures(
    StudyForm Form,
    int Groups,
    IReadOnlyList<string> Methods,
    StudyProgress Progress,
    IReadOnlyList<QuestionFigures> Questions,
    PrecisionFigures? Which);
