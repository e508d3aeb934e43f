using ControlNet.ML.Fuzz.Targets;

namespace ControlNet.ML.Fuzz;

/// <summary>All readers, by what they read.</summary>
internal static class Readers
{
    /// <summary>Makes them.</summary>
    /// <param name="folder">Where those work that take names of files.</param>
    public static IReadOnlyList<Reader> All(Workplace folder) =>
    [
        .. WeightTargets.All(folder), .. WeightTargets.Checkpoints(folder), .. ConfigurationTargets.All(folder), .. TextTargets.All(folder), .. ImageTargets.All(folder),
        .. ConditionTargets.All(folder), .. TableTargets.All(folder), .. ScoringTargets.All(folder), .. TrainingTargets.All(folder), .. ComponentTargets.All(folder),
        .. HubTargets.All(), .. ToolTargets.All(folder),
    ];
}
