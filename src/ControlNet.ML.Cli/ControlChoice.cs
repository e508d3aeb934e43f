using ControlNet.ML.Conditions;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Cli;

/// <summary>Which control networks, and which conditions for them, where the command line does not say all.</summary>
internal static class ControlChoice
{
    /// <summary>What the conditions of photos are where nothing is said.</summary>
    private const string Usual = "canny";

    /// <summary>
    /// The networks that were named, one of the model's own by its name alone; or the only one that the model brings, as often as there are conditions; of several that for the kind of
    /// condition which is made of the photos, edges if none is named.
    /// </summary>
    /// <param name="model">The model's name.</param>
    /// <param name="folder">Its folder.</param>
    /// <param name="named">What --control says; may be empty.</param>
    /// <param name="count">How many conditions there are.</param>
    /// <param name="fromPhotos">Whether they are made of photos.</param>
    /// <param name="preprocess">How, if that is said.</param>
    /// <exception cref="UsageException">None is named, and the model does not bring one that is meant.</exception>
    /// <exception cref="ControlNetException">There is no such network.</exception>
    public static ControlArgument[] Networks(string model, ModelFolder folder, IReadOnlyList<string> named, int count, bool fromPhotos, string? preprocess)
    {
        var own = ModelNames.ControlsOf(folder.Path);
        if (named.Count > 0)
        {
            // A file or folder of that name is what it always was.
            var controls = named.Select(ControlArgument.Parse)
                .Select(control => own.Contains(control.Name) && !Path.Exists(control.Name) ? control with { Name = Own(control.Name) } : control).ToArray();
            foreach (var control in controls)
                ModelNames.FindControl(control.Name);
            return controls;
        }

        var meant = own.Count == 1 ? own[0] : fromPhotos ? own.FirstOrDefault(name => name == (preprocess ?? Usual)) : null;
        return meant is not null
            ? [.. Enumerable.Repeat(new ControlArgument(Own(meant)), count)]
            : throw new UsageException(own.Count == 0
                ? $"Model '{model}' brings no control network: name one with --control."
                : $"Model '{model}' brings several control networks ({string.Join(", ", own)}): name one with --control.");

        string Own(string name) => ModelPackages.Names.Contains(model) && !Path.Exists(model) ? $"{model}/{name}" : Path.Combine(folder.Path, "controlnet", name);
    }

    /// <summary>The preprocessor that was named, or the one that the network's name ends in: emoji/canny, sd-controlnet-canny.</summary>
    public static ConditionKind Kind(string control, string? preprocess)
    {
        if (preprocess is not null)
            return ConditionCatalog.Find(preprocess);
        var last = Path.GetFileNameWithoutExtension(control.TrimEnd('/', '\\'));
        return ConditionCatalog.All.OrderByDescending(kind => kind.Name.Length).FirstOrDefault(kind => last.Contains(kind.Name, StringComparison.OrdinalIgnoreCase))
            ?? throw new UsageException(
                $"The name of '{control}' does not say which condition it was trained on: say it with --preprocess ({string.Join(", ", ConditionCatalog.All.Select(k => k.Name))}), or give a ready-made --condition.");
    }
}
