using System.Globalization;
using ControlNet.ML.Conditions;

namespace ControlNet.ML.Cli;

/// <summary>NAME=VALUE settings from the command line, for the kinds of conditions that have an option of that name.</summary>
internal static class ConditionSettings
{
    /// <summary>Formats the value of a command-line option, such as --low, as a setting.</summary>
    public static string Of(string name, IConvertible value) => $"{name}={value.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>Parses each kind's options.</summary>
    /// <param name="kinds">The kinds, at least one.</param>
    /// <param name="common">Settings that a kind ignores if it has no such option.</param>
    /// <param name="given">The user's settings; one that no kind has is an error.</param>
    /// <exception cref="UsageException">A name is unknown, or a value cannot be parsed or is out of its range.</exception>
    public static object?[] For(IReadOnlyList<ConditionKind> kinds, IEnumerable<string> common, IReadOnlyList<string> given) =>
        UsageException.Of(() => Parse(kinds, common, given));

    private static object?[] Parse(IReadOnlyList<ConditionKind> kinds, IEnumerable<string> common, IReadOnlyList<string> given)
    {
        foreach (var setting in given.Where(setting => !kinds.Any(kind => kind.HasOption(setting))))
            kinds[0].ParseOptions([setting]);
        object?[] options = [.. kinds.Select(kind => kind.ParseOptions(common.Concat(given).Where(kind.HasOption)))];
        foreach (var (kind, own) in kinds.Zip(options))
        {
            // Without its file, opening it cannot but fail, and says what is missing.
            if (kind.NeedsFile && own is not null && ConditionOption.Of(own).Any(option => option is { Name: "model", Default: "" }))
                kind.Open(own).Dispose();
        }

        return options;
    }
}
