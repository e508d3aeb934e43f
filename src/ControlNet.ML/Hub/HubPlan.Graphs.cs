using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Weights;
using ControlNet.ML.Weights.Graphs;

namespace ControlNet.ML.Hub;

/// <content>
/// Models and control networks of ONNX graphs: what is fetched if the repository has no weights, or if the runtime runs graphs.
/// </content>
internal sealed partial class HubPlan
{
    private readonly List<string> _graphs = [];

    /// <summary>Of <see cref="Files"/>, the ONNX graphs: each names the files of its external weights, which are needed as well.</summary>
    public IReadOnlyList<string> Graphs => _graphs;

    /// <summary>Whether to take the graphs of a repository, as the loaders of folders decide it.</summary>
    private static bool TakesGraphs(bool hasGraphs, bool hasWeights, LoadOptions options) =>
        hasGraphs && (!hasWeights || Backends.PrefersGraphs(options.Backend));

    private static HubPlan OfGraphs(HubId id, string root, HashSet<string> files, ModelIndex index, bool hasWeights, LoadOptions options)
    {
        RequireRuntime(id, options);
        var plan = new HubPlan(HubLayout.Model, id.Path);
        plan._files.AddRange(new[] { ModelFolder.IndexName, GenerationConfig.FileName }.Where(files.Contains).Select(name => root + name));
        plan.AddSettings(root, "scheduler", Inside(files, "scheduler"));
        foreach (var (part, places, isNeeded) in GraphFolder.Places(index))
        {
            foreach (var folder in places.Select(FolderOf).Distinct())
                plan.AddSettings(root, folder, Inside(files, folder));

            // Without a configuration, the UNet's graph takes its place.
            if (!options.Parts.HasFlag(part) && !(part == ModelParts.UNet && !files.Contains("unet/config.json")))
                continue;
            string[] there = [.. places.Where(place => plan.AddGraph(root, place, files, options.Variant))];
            if (there.Length == 0 && isNeeded)
                plan._missing.Add(Message.Name(places[0]));
        }

        foreach (var tokenizer in options.Parts.HasFlag(ModelParts.TextEncoder) ? GraphFolder.Tokenizers(index) : [])
        {
            plan.AddSettings(root, tokenizer, Inside(files, tokenizer));
            plan.Require(tokenizer, Inside(files, tokenizer));
        }

        plan.CheckVariant(options.Variant, "graphs");
        plan.PreferWeights($"{root}unet/{NetworkKind.UNet.FileName()}{WeightEndings.Safetensors}", hasWeights, options);
        return plan;
    }

    private static HubPlan OfControlGraph(HubId id, string root, HashSet<string> files, bool hasWeights, LoadOptions options)
    {
        RequireRuntime(id, options);
        var plan = new HubPlan(HubLayout.ControlNetwork, id.Path);
        plan.AddControlGraph(root, GraphFolder.GraphName, files);
        plan.PreferWeights($"{root}(another){WeightEndings.Safetensors}", hasWeights, options);
        return plan;
    }

    /// <summary>A control network that is named by its graph's file.</summary>
    private static HubPlan OfGraphFile(HubId id, IReadOnlyList<string> all, LoadOptions options)
    {
        RequireFile(id, all, id.Path, ControlSource.IsGraph);
        RequireRuntime(id, options);
        var plan = new HubPlan(HubLayout.SingleFile, id.Path);
        var start = id.Path.LastIndexOf('/') + 1;
        var root = id.Path[..start];
        var files = all.Where(file => file.StartsWith(root, StringComparison.Ordinal)).Select(file => file[start..]);
        plan.AddControlGraph(root, id.Path[start..], files.ToHashSet(StringComparer.Ordinal));
        return plan;
    }

    private void AddControlGraph(string root, string name, HashSet<string> files)
    {
        if (files.Contains("config.json"))
            _files.Add(root + "config.json");
        AddGraph(root, name, files, variant: null);
        AddGraph(root, GraphFolder.ConditionEncoderName, files, variant: null);
    }

    /// <summary>Adds a graph, in the variant if there is one; its external weights are only known once it is fetched.</summary>
    /// <returns>Whether it is there.</returns>
    private bool AddGraph(string root, string name, HashSet<string> files, string? variant)
    {
        var wanted = GraphFolder.InVariant(name, variant);
        var found = files.Contains(wanted) ? wanted : name;
        if (!files.Contains(found))
            return false;
        if (found != wanted)
            _substituted.Add(root + wanted);
        _variants.Add(found == wanted ? variant ?? "" : "");
        _files.Add(root + found);
        _graphs.Add(root + found);
        return true;
    }

    /// <summary>If graphs were only taken because there are no weights, those would change the plan.</summary>
    private void PreferWeights(string file, bool hasWeights, LoadOptions options)
    {
        if (!hasWeights && !Backends.PrefersGraphs(options.Backend))
            _substituted.Add(file);
    }

    /// <summary>If weights were only taken because there are no graphs, those would change the plan.</summary>
    private HubPlan PreferGraphs(string file, LoadOptions options)
    {
        if (Backends.PrefersGraphs(options.Backend))
            _substituted.Add(file);
        return this;
    }

    private static void RequireRuntime(HubId id, LoadOptions options)
    {
        if (options.Backend is { RunsGraphs: false })
            throw new ControlNetException(
                $"{Message.Name(id.ToString())} consists of ONNX graphs, and the runtime that was asked for loads weights: expected the "
                    + "runtime ControlNet.ML.Onnx (--backend onnx).");
    }

    private static string FolderOf(string file) => file[..file.LastIndexOf('/')];

    /// <summary>The files directly in a folder, without it.</summary>
    private static HashSet<string> Inside(HashSet<string> files, string folder) =>
        [.. files.Where(file => file.StartsWith(folder + "/", StringComparison.Ordinal)).Select(file => file[(folder.Length + 1)..])
            .Where(PlainFileName.IsPlain)];
}
