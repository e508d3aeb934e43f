using System.Text;
using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Text;
using ControlNet.ML.Weights.Conversion;

namespace ControlNet.ML.Weights;

/// <summary>The parts of a model in diffusers' layout: a folder for each.</summary>
/// <param name="root">The model's folder.</param>
/// <param name="index">Its index.</param>
/// <param name="variant">The variant of the weights, or null.</param>
internal sealed class FolderParts(string root, ModelIndex index, string? variant) : IModelParts
{
    /// <summary>The folder of a part.</summary>
    public string Folder(string part) =>
        index.Parts.Contains(part)
            ? Path.Combine(root, part)
            : throw new ArgumentException(
                $"{Message.Name(part)} is not a part of {index.ClassName}, which has {string.Join(", ", index.Parts)}.", nameof(part));

    /// <inheritdoc/>
    public IReadOnlyList<string> Files(string part)
    {
        var kind = ModelFolder.KindOf(part);
        var files = PartFiles.Find(Folder(part), kind, variant)
            ?? throw new ControlNetException($"{part}: {PartFiles.Absence(Folder(part), kind)}.");
        return files.Single is not null
            ? [files.Single]
            : [.. ShardIndex.Read(files.Index!, $"{part}/{Path.GetFileName(files.Index)}").Keys];
    }

    /// <inheritdoc/>
    public IEnumerable<string> Settings(string part) =>
        Directory.EnumerateFiles(Folder(part))
            .Where(file => Path.GetExtension(file) is ".json" or ".txt" && PlainFileName.IsPlain(Path.GetFileName(file)));

    /// <inheritdoc/>
    public long Length(string part) => Files(part).Sum(file => LinkedFile.Of(file).Length);

    /// <inheritdoc/>
    public WeightSource OpenWeights(string part) => WeightSource.Open(Folder(part), ModelFolder.KindOf(part), variant);

    /// <inheritdoc/>
    public ClipTokenizer ReadTokenizer(string part, int maxPositions) => ClipTokenizer.Load(Folder(part), maxPositions);

    /// <inheritdoc/>
    public IEnumerable<(string Name, string Text)> TokenizerFiles(string part) => SettingsFiles.OfTokenizerFolder(Folder(part));

    /// <inheritdoc/>
    public string? Text(string name)
    {
        var path = Path.Combine(root, name);
        return File.Exists(path) ? Encoding.UTF8.GetString(JsonText.ReadFile(path, name)) : null;
    }

    /// <inheritdoc/>
    public SchedulerConfig ReadScheduler()
    {
        const string source = "scheduler/scheduler_config.json";
        return SchedulerConfig.Parse(JsonText.ReadFile(Path.Combine(Folder("scheduler"), "scheduler_config.json"), source), source);
    }

    /// <summary>Throws one error that lists everything that is missing.</summary>
    /// <param name="parts">The networks whose weights are needed.</param>
    /// <param name="supplied">The networks that need not be there at all.</param>
    public void Require(ModelParts parts, ModelParts supplied)
    {
        var missing = new List<string>();
        foreach (var part in index.Parts.Where(part => !IsSupplied(part, supplied)))
        {
            var kind = ModelFolder.KindOrNull(part);
            if (!IsWanted(part, parts) && kind is null)
                continue;
            var folder = Path.Combine(root, part);
            if (!Directory.Exists(folder))
            {
                missing.Add($"the folder '{part}'");
                continue;
            }

            if (kind is { } network)
            {
                RequireFile("config.json");
                if (IsWanted(part, parts) && PartFiles.Find(folder, network, null) is null)
                    missing.Add($"'{part}': {PartFiles.Absence(folder, network)}");
            }
            else if (part == "scheduler")
            {
                RequireFile("scheduler_config.json");
            }
            else if (!File.Exists(Path.Combine(folder, "tokenizer.json")))
            {
                RequireFile("vocab.json");
                RequireFile("merges.txt");
            }

            void RequireFile(string name)
            {
                if (!File.Exists(Path.Combine(folder, name)))
                    missing.Add($"'{part}/{name}'");
            }
        }

        if (missing.Count > 0)
            throw new ControlNetException($"{root}: the model is incomplete: {string.Join("; ", missing)}.");
        RequireVariant(parts & ~supplied);
    }

    private void RequireVariant(ModelParts parts)
    {
        if (variant is null || parts == ModelParts.None)
            return;
        var variants = index.Parts.Where(part => ModelFolder.KindOrNull(part) is not null && IsWanted(part, parts))
            .SelectMany(part => PartFiles.Variants(Path.Combine(root, part), ModelFolder.KindOf(part)))
            .Distinct().Order(StringComparer.Ordinal).ToList();
        if (!variants.Contains(variant))
            throw new ControlNetException(
                $"{root}: no part has weights of the variant {Message.Name(variant)}; "
                    + $"there are {(variants.Count == 0 ? "only plain files" : string.Join(", ", variants.Select(Message.Name)))}.");
    }

    /// <summary>Whether a part's files other than its configuration are needed; the scheduler, which is of no network, always is.</summary>
    private static bool IsWanted(string part, ModelParts parts) => parts.HasFlag(ModelFolder.PartsOf(part));

    private static bool IsSupplied(string part, ModelParts supplied) =>
        ModelFolder.PartsOf(part) is not ModelParts.None and var network && supplied.HasFlag(network);
}
