using ControlNet.ML.Cli.Scoring;
using ControlNet.ML.Conditions;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Cli.Evaluating;

/// <summary>How the condition of one control network is found again in an image, and compared.</summary>
/// <param name="Index">The network, from 0.</param>
/// <param name="Name">The kind of condition.</param>
/// <param name="Measure">How the two conditions are compared.</param>
/// <param name="Suffix">The suffix of its metrics: empty if there is one network, otherwise <c>_1</c>, <c>_2</c> …</param>
/// <param name="Settings">Its options, and the digests of its files, as text.</param>
internal sealed record Annotation(int Index, string Name, ConditionMeasure Measure, string Suffix, string Settings)
{
    private ConditionKind? Kind { get; init; }

    private object? Options { get; init; }

    /// <summary>Opens it.</summary>
    /// <exception cref="ControlNetException">The network's file is missing or unsupported.</exception>
    public IPreprocessor Open() => Kind?.Open(Options) ?? new SilhouetteAnnotator();

    /// <summary>
    /// Chooses the annotator of each network: the one that is named, the one that made the conditions, or by the network's name.
    /// </summary>
    /// <exception cref="UsageException">It cannot be chosen, its file is not named, or a setting is unknown.</exception>
    /// <exception cref="ControlNetException">A file cannot be read.</exception>
    public static IReadOnlyList<Annotation> Choose(EvaluateSettings settings, ScorePlan plan, CancellationToken cancellationToken)
    {
        if (!settings.Fidelity)
            return [];
        if (settings.Annotators.Count > 1 && settings.Annotators.Count != plan.Controls.Count)
            throw new UsageException(
                $"--as names {settings.Annotators.Count} annotators, expected one, or one for each of the {plan.Controls.Count} control "
                    + "networks.");
        if (plan.Controls.Count == 0)
        {
            return settings.Annotators.Count + settings.AnnotatorFiles.Count + settings.AnnotatorSettings.Count == 0
                ? []
                : throw new UsageException(
                    $"--as and --annotator find conditions in images, expected a column 'photo' or 'condition' in {plan.Table.Path}.");
        }

        var names = Enumerable.Range(0, plan.Controls.Count).Select(i => NameOf(settings, plan, i)).ToList();
        var kinds = names.Where(name => name != SilhouetteAnnotator.Name).Distinct()
            .ToDictionary(name => name, name => UsageException.Of(() => ConditionCatalog.Find(name)));
        var files = Files(settings, [.. kinds.Values]);
        foreach (var setting in settings.AnnotatorSettings.Where(setting => !kinds.Values.Any(kind => kind.HasOption(setting))))
            UsageException.Of(() => kinds.Values.First().ParseOptions([setting]));
        return [.. names.Select((name, i) => Make(settings, plan, i, kinds.GetValueOrDefault(name), files, cancellationToken))];
    }

    private static string NameOf(EvaluateSettings settings, ScorePlan plan, int index)
    {
        if (settings.Annotators.Count > 0)
            return settings.Annotators[settings.Annotators.Count == 1 ? 0 : index].ToLowerInvariant();
        if (plan.Kinds.Count > 0)
            return plan.Kinds[index].Name;
        var control = plan.Controls[index].Name;
        try
        {
            return ControlChoice.Kind(control, plan.Settings.Preprocess).Name;
        }
        catch (UsageException) when (Path.GetFileNameWithoutExtension(control).Contains("mask", StringComparison.OrdinalIgnoreCase))
        {
            return SilhouetteAnnotator.Name;
        }
        catch (UsageException)
        {
            var kinds = ConditionCatalog.All.Select(kind => kind.Name).Append(SilhouetteAnnotator.Name);
            throw new UsageException(
                $"The name of '{control}' does not tell what finds its conditions in images: name it with --as "
                    + $"({string.Join(", ", kinds)}), or leave the comparison out with --no-fidelity.");
        }
    }

    /// <summary>The values of --annotator, by the kinds that need a file, in their order.</summary>
    private static Dictionary<string, string> Files(EvaluateSettings settings, IReadOnlyList<ConditionKind> kinds)
    {
        var learned = kinds.Where(kind => kind.IsLearned).ToList();
        if (settings.AnnotatorFiles.Count > learned.Count)
            throw new UsageException(
                $"--annotator names {settings.AnnotatorFiles.Count} ONNX files, expected at most {learned.Count}: "
                    + $"{(learned.Count == 0 ? $"{Message.Choice([.. kinds.Select(kind => kind.Name)])} needs none" : "one for each")}.");
        return learned.Zip(settings.AnnotatorFiles).ToDictionary(pair => pair.First.Name, pair => pair.Second);
    }

    private static Annotation Make(
        EvaluateSettings settings, ScorePlan plan, int index, ConditionKind? kind, Dictionary<string, string> files,
        CancellationToken cancellationToken)
    {
        var suffix = plan.Controls.Count == 1 ? "" : $"_{index + 1}";
        if (kind is null)
            return new Annotation(index, SilhouetteAnnotator.Name, ConditionMeasure.Mask, suffix, "");
        var isOwn = plan.Kinds.Count > 0 && plan.Kinds[index] == kind;
        string[] given =
        [
            .. files.TryGetValue(kind.Name, out var file) ? [$"model={file}"] : Array.Empty<string>(),
            .. settings.AnnotatorSettings.Where(kind.HasOption),
        ];
        var options = isOwn && given.Length == 0
            ? plan.KindOptions[index]
            : UsageException.Of(() => kind.ParseOptions(
                [.. plan.Settings.Canny.Where(kind.HasOption), .. plan.Settings.Settings.Where(kind.HasOption), .. given]));
        if (kind.NeedsFile && options is not null && ConditionOption.Of(options).Any(option => option is { Name: "model", Default: "" }))
            throw new UsageException(
                $"'{kind.Name}' finds the conditions of '{plan.Controls[index].Name}' in images, and needs its ONNX file: --annotator "
                    + "FILE. --no-fidelity leaves the comparison out.");
        var digests = kind.FilesOf(options).Select(path => DigestCache.OfUser.Of(path, cancellationToken));
        return new Annotation(index, kind.Name, ConditionMeasures.Of(kind.Name), suffix, string.Join(' ', [$"{options}", .. digests]))
        {
            Kind = kind,
            Options = options,
        };
    }
}
