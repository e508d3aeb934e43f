using System.Text.RegularExpressions;
using ControlNet.ML.Conditions;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Cli;

/// <summary>Chooses control networks and their kinds of conditions where the command line leaves them open.</summary>
internal static partial class ControlChoice
{
    /// <summary>The default kind of condition for photos.</summary>
    private const string Usual = "canny";

    /// <summary>Words in the names of published networks whose conditions learned annotators of other names make.</summary>
    private static readonly Dictionary<string, string[]> Annotators = new()
    {
        ["depth"] = ["depth_midas", "depth_anything"],
        ["hed"] = ["softedge_hed"],
        ["normal"] = ["normal_bae"],
        ["normalbae"] = ["normal_bae"],
        ["pose"] = ["openpose", "dwpose"],
        ["seg"] = ["segmentation"],
        ["softedge"] = ["softedge_hed", "softedge_pidinet"],
    };

    /// <summary>
    /// The named networks, where the model's own need only their own name; or the model's only network, repeated for each condition. If the
    /// model has several, the one for the kind of condition that is made from the photos, canny by default.
    /// </summary>
    /// <param name="model">The model's name.</param>
    /// <param name="folder">The model's folder.</param>
    /// <param name="named">The values of --control; may be empty.</param>
    /// <param name="count">Number of conditions.</param>
    /// <param name="fromPhotos">Whether the conditions are made from photos.</param>
    /// <param name="preprocess">The value of --preprocess, or null.</param>
    /// <param name="load">How the networks are loaded.</param>
    /// <exception cref="UsageException">None is named, and the model has none, or several of which none fits.</exception>
    /// <exception cref="ControlNetException">A named network does not exist.</exception>
    public static ControlArgument[] Networks(
        string model, ModelFolder folder, IReadOnlyList<string> named, int count, bool fromPhotos, string? preprocess,
        LoadOptions load)
    {
        var own = ModelNames.ControlsOf(folder.Path);
        if (named.Count > 0)
        {
            // A file or folder of the same name takes precedence.
            var controls = named.Select(ControlArgument.Parse)
                .Select(control => own.Contains(control.Name) && !Path.Exists(control.Name)
                    ? control with { Name = Own(control.Name) } : control)
                .ToArray();
            foreach (var control in controls)
                ModelNames.FindControl(control.Name, load);
            return controls;
        }

        var meant = own.Count == 1 ? own[0] : fromPhotos ? own.FirstOrDefault(name => name == (preprocess ?? Usual)) : null;
        return meant is not null
            ? [.. Enumerable.Repeat(new ControlArgument(Own(meant)), count)]
            : throw new UsageException(own.Count == 0
                ? $"Model '{model}' has no control network: name one with --control."
                : $"Model '{model}' has several control networks ({string.Join(", ", own)}): name one with --control.");

        string Own(string name) =>
            ModelPackages.Names.Contains(model) && !Path.Exists(model) ? $"{model}/{name}" : Path.Combine(folder.Path, "controlnet", name);
    }

    /// <summary>
    /// The preprocessor that is named, or the one whose name the network's name contains: emoji/canny, sd-controlnet-canny.
    /// </summary>
    /// <exception cref="UsageException">None is named, and the network's name fits none, or several annotators.</exception>
    public static ConditionKind Kind(string control, string? preprocess)
    {
        if (preprocess is not null)
            return UsageException.Of(() => ConditionCatalog.Find(preprocess));
        var last = Path.GetFileNameWithoutExtension(control.TrimEnd('/', '\\'));
        if (ConditionCatalog.All.OrderByDescending(kind => kind.Name.Length)
            .FirstOrDefault(kind => last.Contains(kind.Name, StringComparison.OrdinalIgnoreCase)) is { } named)
            return named;
        var word = NameWord().Matches(last).Select(match => match.Value.ToLowerInvariant()).FirstOrDefault(Annotators.ContainsKey);
        if (word is null)
        {
            throw new UsageException(
                $"The name of '{control}' does not contain the kind of condition that it was trained on: name it with --preprocess "
                    + $"({string.Join(", ", ConditionCatalog.All.Select(k => k.Name))}), or give a ready-made --condition.");
        }

        var kinds = Annotators[word].Select(ConditionCatalog.Find).ToList();
        return kinds is [var only]
            ? only
            : throw new UsageException(
                $"'{control}' was trained on '{word}' conditions, which learned annotators make from photos: name one with "
                    + $"{string.Join(" or ", kinds.Select(kind => $"--preprocess {kind.Name} ({kind.Description})"))} and give its "
                    + $"ONNX file with --set model=FILE, or give a ready-made condition.");
    }

    /// <summary>Throws if photos have to be preprocessed by a learned annotator whose file is not named.</summary>
    /// <param name="control">The network's name.</param>
    /// <param name="kind">The kind of its conditions.</param>
    /// <param name="settings">The values of --set, before they are parsed: an annotator without a file has no options.</param>
    /// <param name="photo">What gives the photos: <c>--photo</c>.</param>
    /// <param name="condition">What would give ready-made conditions: <c>--condition</c>.</param>
    /// <exception cref="UsageException">The file is not named.</exception>
    public static void RequireAnnotatorFile(
        string control, ConditionKind kind, IReadOnlyList<string> settings, string photo, string condition)
    {
        if (kind.NeedsFile && !settings.Any(setting => setting.StartsWith("model=", StringComparison.OrdinalIgnoreCase)))
        {
            throw new UsageException(
                $"{photo} with '{control}' needs the learned annotator '{kind.Name}' ({kind.Description}): give its ONNX file with "
                    + $"--set model=FILE, or ready-made conditions with {condition}.");
        }
    }

    [GeneratedRegex("[A-Za-z]+")]
    private static partial Regex NameWord();
}
