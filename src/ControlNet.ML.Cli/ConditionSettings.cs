using System.Globalization;
using ControlNet.ML.Conditions;

namespace ControlNet.ML.Cli;

/// <summary>NAME=VALUE settings from the command line, for whichever kinds of conditions know them.</summary>
internal static class ConditionSettings
{
    /// <summary>A setting that has an option of its own on the command line.</summary>
    public static string Of(string name, IConvertible value) => $"{name}={value.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>Each kind's options. A setting that was given and that none of the kinds knows is an error.</summary>
    /// <param name="kinds">The kinds, at least one.</param>
    /// <param name="common">Settings that may fit none of them.</param>
    /// <param name="given">Settings that the user wrote out.</param>
    public static object?[] For(IReadOnlyList<ConditionKind> kinds, IEnumerable<string> common, IReadOnlyList<string> given)
    {
        foreach (var setting in given.Where(setting => !kinds.Any(kind => kind.HasOption(setting))))
            kinds[0].ParseOptions([setting]);
        return [.. kinds.Select(kind => kind.ParseOptions(common.Concat(given).Where(kind.HasOption)))];
    }
}
