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
    public static object?[] For(IReadOnlyList<ConditionKind> kinds, IEnumerable<string> common, IReadOnlyList<string> given)
    {
        foreach (var setting in given.Where(setting => !kinds.Any(kind => kind.HasOption(setting))))
            kinds[0].ParseOptions([setting]);
        return [.. kinds.Select(kind => kind.ParseOptions(common.Concat(given).Where(kind.HasOption)))];
    }
}
