using ControlNet.ML.Configuration;
using ControlNet.ML.Weights;
using ControlNet.ML.Weights.Graphs;

namespace ControlNet.ML.Hub;

/// <summary>What a repository, or a folder in it, holds.</summary>
internal enum HubLayout
{
    /// <summary>A model: a folder for each part.</summary>
    Model,

    /// <summary>A control network: a configuration and weights.</summary>
    ControlNetwork,

    /// <summary>A single file of weights.</summary>
    SingleFile,
}

/// <summary>
/// Which files of a repository a model or control network needs: its configurations, and of its weights one variant, in safetensors; or
/// its ONNX graphs. The same rules tell which files to fetch and whether a cached snapshot has them all.
/// </summary>
internal sealed partial class HubPlan
{
    private static readonly string[] Settings = [".json", ".yaml"];

    // What diffusers loads of a repository with several files (LORA_WEIGHT_NAME, TEXT_INVERSION_NAME).
    private static readonly string[] Adapters = ["pytorch_lora_weights", "learned_embeds"];

    private readonly List<string> _files = [];
    private readonly List<string> _indices = [];
    private readonly List<string> _missing = [];
    private readonly List<string> _substituted = [];
    private readonly HashSet<string> _variants = new(StringComparer.Ordinal);

    private HubPlan(HubLayout layout, string path) => (Layout, Path) = (layout, path);

    /// <summary>What it is.</summary>
    public HubLayout Layout { get; }

    /// <summary>The folder, or the single file, as a path in the repository; empty for the root.</summary>
    public string Path { get; }

    /// <summary>
    /// The needed files, as paths in the repository, without the shards that <see cref="Indices"/> name and the weights that
    /// <see cref="Graphs"/> name.
    /// </summary>
    public IReadOnlyList<string> Files => _files;

    /// <summary>Of <see cref="Files"/>, the indices of shards.</summary>
    public IReadOnlyList<string> Indices => _indices;

    /// <summary>What the repository lacks, in words; empty if it is complete.</summary>
    public IReadOnlyList<string> Missing => _missing;

    /// <summary>Files that would change the plan, but are not there.</summary>
    public IReadOnlyList<string> Substituted => _substituted;

    /// <summary>Plans what to fetch.</summary>
    /// <param name="id">Names the repository, and the folder or file in it.</param>
    /// <param name="all">All files of the repository, or of its snapshot.</param>
    /// <param name="options">Variant, parts and runtime.</param>
    /// <param name="read">Reads <c>model_index.json</c>; called at most once.</param>
    /// <returns>The plan.</returns>
    /// <exception cref="ControlNetException">
    /// There is no such file, several files could be meant, or none is a model or control network.
    /// </exception>
    public static async Task<HubPlan> MakeAsync(HubId id, IReadOnlyList<string> all, LoadOptions options, Func<string, Task<byte[]>> read)
    {
        if (WeightEndings.AreOf(id.Path))
            return OfFile(id, all, id.Path);
        if (ControlSource.IsGraph(id.Path))
            return OfGraphFile(id, all, options);
        var root = id.Path.Length == 0 ? "" : id.Path + "/";
        var files = all.Where(file => file.StartsWith(root, StringComparison.Ordinal)).Select(file => file[root.Length..])
            .Where(file => file.Split('/').All(PlainFileName.IsPlain)).ToHashSet(StringComparer.Ordinal);
        if (id.Path.Length > 0 && files.Count == 0)
        {
            throw new ControlNetException(
                $"{Message.Name(id.Repository)} has no folder {Message.Name(id.Path)} with files of a model; its folders are "
                    + $"{Folders(all)}.");
        }

        var json = files.Contains(ModelFolder.IndexName) ? await read(root + ModelFolder.IndexName).ConfigureAwait(false) : null;
        var source = $"{id.Repository}/{root}{ModelFolder.IndexName}";
        var hasWeights = PartFiles.Among(Inside(files, "unet"), NetworkKind.UNet, null) is not null;
        if (TakesGraphs(GraphFolder.IsIn(files.Contains), hasWeights, options))
        {
            var hasSecond = Inside(files, "text_encoder_2").Count > 0;
            var index = json is null ? ModelIndex.Guess(hasSecond) : ModelIndex.ParseExported(json, source, hasSecond);
            return OfGraphs(id, root, files, index, hasWeights, options);
        }

        if (json is not null || files.Contains("unet/config.json"))
        {
            var index = json is null ? ModelIndex.Guess(files.Contains("text_encoder_2/config.json")) : ModelIndex.Parse(json, source);
            return OfModel(id.Path, root, files, index, options).PreferGraphs($"{root}unet/{GraphFolder.GraphName}", options);
        }

        hasWeights = InRoot(files).Any(WeightEndings.AreOf);
        if (TakesGraphs(files.Contains(GraphFolder.GraphName), hasWeights, options))
            return OfControlGraph(id, root, files, hasWeights, options);
        var isControl = files.Contains("config.json") && PartFiles.Among(InRoot(files), NetworkKind.ControlNetwork, null) is not null;
        var plan = isControl ? OfControl(id.Path, root, files, options) : OfOnlyFile(id, all, files, root);
        return plan.PreferGraphs(root + GraphFolder.GraphName, options);
    }

    private static HubPlan OfModel(string path, string root, HashSet<string> files, ModelIndex index, LoadOptions options)
    {
        var plan = new HubPlan(HubLayout.Model, path);
        foreach (var name in new[] { ModelFolder.IndexName, GenerationConfig.FileName }.Where(files.Contains))
            plan._files.Add(root + name);
        foreach (var part in index.Parts)
        {
            var isWanted = options.Parts.HasFlag(ModelFolder.PartsOf(part));
            var kind = ModelFolder.KindOrNull(part);
            if (!isWanted && kind is null)
                continue;
            var inside = Inside(files, part);
            plan.AddSettings(root, part, inside);
            plan.Require(part, inside);
            if (isWanted && kind is { } network)
                plan.AddWeights(root + part + "/", part, inside, network, options.Variant);
        }

        plan.CheckVariant(options.Variant, "weights");
        return plan;
    }

    private static HubPlan OfControl(string path, string root, HashSet<string> files, LoadOptions options)
    {
        var plan = new HubPlan(HubLayout.ControlNetwork, path);
        plan._files.Add(root + "config.json");
        plan.AddWeights(root, "control network", [.. InRoot(files)], NetworkKind.ControlNetwork, options.Variant);
        return plan;
    }

    private static HubPlan OfFile(HubId id, IReadOnlyList<string> all, string file)
    {
        RequireFile(id, all, file, WeightEndings.AreOf);

        // A configuration may lie next to the file: ControlFile reads a .json, CheckpointFile a .yaml.
        var plan = new HubPlan(HubLayout.SingleFile, file);
        plan._files.Add(file);
        plan._files.AddRange(Settings.Select(ending => System.IO.Path.ChangeExtension(file, ending)).Where(all.Contains));
        return plan;
    }

    private static void RequireFile(HubId id, IReadOnlyList<string> all, string file, Func<string, bool> isAlike)
    {
        if (all.Contains(file))
            return;
        var nearest = NearestName.Suggest(file, all.Where(isAlike));
        throw new ControlNetException(
            $"{Message.Name(id.Repository)} has no file {Message.Name(file)}"
                + (nearest is null ? "." : $". Did you mean {Message.Name(nearest)}?"));
    }

    /// <summary>
    /// The only file with weights in a folder. A cache may have one of several: that there is no other is remembered, too, as the absence
    /// of a file of that meaning.
    /// </summary>
    private static HubPlan OfOnlyFile(HubId id, IReadOnlyList<string> all, HashSet<string> files, string root)
    {
        var plan = OfFile(id, all, root + OnlyFile(id, all, files));
        plan._substituted.Add($"{root}(another).safetensors");
        return plan;
    }

    /// <summary>The name of the only file with weights in a folder, or of its LoRA or textual inversion by diffusers' name.</summary>
    /// <exception cref="ControlNetException">There is none, or there are several.</exception>
    private static string OnlyFile(HubId id, IReadOnlyList<string> all, HashSet<string> files)
    {
        var weights = InRoot(files).Where(WeightEndings.IsSafetensors).Order(StringComparer.Ordinal).ToList();
        if (weights.Count == 0)
            weights = InRoot(files).Where(WeightEndings.IsPickle).Order(StringComparer.Ordinal).ToList();
        if (weights is [var only])
            return only;
        if (weights.Where(file => Adapters.Contains(System.IO.Path.GetFileNameWithoutExtension(file))).ToList() is [var adapter])
            return adapter;
        var repository = Message.Name(id.Repository);
        var what = id.Path.Length == 0 ? repository : $"The folder {Message.Name(id.Path)} of {repository}";
        if (weights.Count > 1)
        {
            var example = $"{id.Repository}:{(id.Path.Length == 0 ? "" : id.Path + "/")}{weights[0]}";
            throw new ControlNetException(
                $"{what} has several files of weights: {Message.List([.. weights.Select(Message.Name)])}. Name one of them, as "
                    + $"{Message.Name(example)}.");
        }

        var folders = all.Where(file => file.Contains('/', StringComparison.Ordinal))
            .Select(file => (Folder: file[..file.LastIndexOf('/')], Name: file[(file.LastIndexOf('/') + 1)..]))
            .Where(file => file.Name is "config.json" or ModelFolder.IndexName).Select(file => file.Folder).Distinct().ToList();
        throw new ControlNetException(
            $"{what} holds no model that can be read: no {ModelFolder.IndexName}, no control network with config.json and weights or with "
                + $"{GraphFolder.GraphName}, and no single file of weights"
                + (folders.Count > 0 ? $". Its folders are {Folders(folders.Select(folder => folder + "/x"))}: name one, as "
                    + $"{Message.Name($"{id.Repository}:{folders[0]}")}" : "")
                + ".");
    }

    private void AddSettings(string root, string part, HashSet<string> inside) =>
        _files.AddRange(inside.Where(IsSettings).Order(StringComparer.Ordinal).Select(file => $"{root}{part}/{file}"));

    private void Require(string part, HashSet<string> inside)
    {
        string[] needed = ModelFolder.KindOrNull(part) is not null ? ["config.json"]
            : part == "scheduler" ? ["scheduler_config.json"]
            : inside.Contains("tokenizer.json") ? []
            : ["vocab.json", "merges.txt"];
        _missing.AddRange(needed.Where(name => !inside.Contains(name)).Select(name => Message.Name($"{part}/{name}")));
    }

    /// <summary>As <see cref="ModelFolder"/> does, but before anything is fetched.</summary>
    private void CheckVariant(string? variant, string what)
    {
        if (variant is null || _variants.Count == 0 || _variants.Contains(variant))
            return;
        throw new ControlNetException(
            $"No part has {what} of the variant {Message.Name(variant)}; there are "
                + $"{Message.List([.. _variants.Order().Select(tag => tag.Length == 0 ? "plain files" : Message.Name(tag))])}.");
    }

    private void AddWeights(string folder, string part, HashSet<string> inside, NetworkKind kind, string? variant)
    {
        if (PartFiles.Among(inside, kind, variant) is not { } found)
        {
            _missing.Add($"{Message.Name(part)}: {PartFiles.Absence(inside, kind)}");
            return;
        }

        _variants.Add(found.Variant ?? "");
        if (found.Variant != variant)
            _substituted.Add($"{folder}{kind.FileName()}{(variant is null ? "" : $".{variant}")}.safetensors");
        _files.Add(folder + (found.Single ?? found.Index!));
        if (found.Index is { } index)
            _indices.Add(folder + index);
    }

    /// <summary>Configurations and vocabularies; an index of shards belongs to the weights.</summary>
    private static bool IsSettings(string file) =>
        (file.EndsWith(".json", StringComparison.Ordinal) || file.EndsWith(".txt", StringComparison.Ordinal))
        && !file.Contains(".index.", StringComparison.Ordinal);

    private static IEnumerable<string> InRoot(IEnumerable<string> files) =>
        files.Where(file => !file.Contains('/', StringComparison.Ordinal));

    private static string Folders(IEnumerable<string> files)
    {
        var folders = files.Where(file => file.Contains('/', StringComparison.Ordinal)).Select(file => file[..file.LastIndexOf('/')])
            .Distinct().Order(StringComparer.Ordinal).Select(Message.Name).ToList();
        return folders.Count == 0 ? "none" : Message.List(folders);
    }
}
