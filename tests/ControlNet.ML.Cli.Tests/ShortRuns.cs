using System.Text.RegularExpressions;

namespace ControlNet.ML.Cli.Tests;

/// <summary>
/// Examples with fewer steps: what they show takes the time of a good image or a trained network; that they run does not.
/// <c>scripts/run-notebooks.sh</c> and <c>tests/acceptance/samples.sh</c> run notebooks and samples as they are.
/// </summary>
internal static partial class ShortRuns
{
    private const int Steps = 4;

    public static string Of(string code)
    {
        code = Count().Replace(code, count => Math.Min(int.Parse(count.Value, System.Globalization.CultureInfo.InvariantCulture), Steps).ToString(System.Globalization.CultureInfo.InvariantCulture));
        code = SheetName().Replace(code, $"step-{Steps:D9}");
        return WithoutSteps().Replace(code, $"$& Steps = {Steps},");
    }

    /// <summary>Numbers of steps of training and generation, and after how many of them something happens.</summary>
    [GeneratedRegex(@"(?<=\b(?:\w*Steps|SampleEvery) = )\d+")]
    private static partial Regex Count();

    [GeneratedRegex(@"step-\d{9}")]
    private static partial Regex SheetName();

    /// <summary>The start of options that leave the number of steps to the model.</summary>
    [GeneratedRegex(@"new (?:GenerateOptions|DenoiseComponentOptions|\(\)(?= \{ SeedColumn)) \{(?![^}]*\bSteps = )")]
    private static partial Regex WithoutSteps();
}
