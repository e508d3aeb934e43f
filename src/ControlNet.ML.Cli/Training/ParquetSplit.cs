using System.Text.RegularExpressions;

namespace ControlNet.ML.Cli.Training;

/// <summary>
/// Finds the Parquet files to train on in a folder, as Hugging Face finds the <c>train</c> split: those with the word in their name or in
/// that of their folder; if there are none, those that name no other split.
/// </summary>
internal static partial class ParquetSplit
{
    /// <summary>The files of a data set, by folder and name: of the folder itself, its <c>data</c> and its <c>train</c>.</summary>
    /// <param name="root">The folder.</param>
    public static IReadOnlyList<string> Files(string root)
    {
        var files = ((string[])[root, Path.Combine(root, "data"), Path.Combine(root, "train")]).Where(Directory.Exists)
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*.parquet").Order(StringComparer.Ordinal)).ToList();
        var training = files.Where(file => TrainWord().IsMatch(Path.GetRelativePath(root, file))).ToList();
        return training.Count > 0 ? training : [.. files.Where(file => !OtherWord().IsMatch(Path.GetRelativePath(root, file)))];
    }

    // Words end at anything that is not a letter or digit.
    [GeneratedRegex(@"(?<![a-zA-Z0-9])train(ing)?(?![a-zA-Z0-9])", RegexOptions.IgnoreCase)]
    private static partial Regex TrainWord();

    [GeneratedRegex(@"(?<![a-zA-Z0-9])(test(ing)?|eval(uation)?|val(id(ation)?)?|dev)(?![a-zA-Z0-9])", RegexOptions.IgnoreCase)]
    private static partial Regex OtherWord();
}
