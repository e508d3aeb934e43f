using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>Every kind of condition by name: one line each.</summary>
public static class ConditionCatalog
{
    /// <summary>All kinds, in the order in which they are listed to users.</summary>
    public static IReadOnlyList<ConditionKind> All { get; } =
    [
        ConditionKind.Of<CannyOptions>("canny", "Canny's edges, white on black", Canny.Apply),
        ConditionKind.Of("none", "the picture itself is the condition", Colour.Hwc3),
    ];

    /// <summary>The kind of a name.</summary>
    /// <param name="name">Upper or lower case.</param>
    /// <exception cref="ControlNetException">There is none; the message lists those that there are.</exception>
    public static ConditionKind Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return All.FirstOrDefault(kind => kind.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            ?? throw new ControlNetException($"There is no condition '{name}', expected one of {string.Join(", ", All.Select(kind => $"'{kind.Name}'"))}.");
    }
}
