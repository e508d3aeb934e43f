using System.CommandLine;
using System.Globalization;
using ControlNet.ML.Cli.Scoring;
using ControlNet.ML.Configuration;
using ControlNet.ML.Weights;
using ControlNet.ML.Weights.Graphs;
using ControlNet.ML.Weights.SingleFiles;

namespace ControlNet.ML.Cli.Commands;

/// <summary><c>controlnet models</c>: lists the embedded models, or describes one model or control network.</summary>
internal static class ModelsCommand
{
    public static Command Create(Terminal terminal)
    {
        var name = new Argument<string?>("model")
        {
            Description = "An embedded model or control network, a folder or file of any kind, or an id of the hub whose files are in the "
                + "cache. By default the embedded ones are listed.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var cached = new Option<bool>("--cached") { Description = "List the models and control networks in the hub's cache instead." };
        var annotators = new Option<bool>("--annotators")
        {
            Description = "List the networks of the learned conditions instead: which public files fit, and where they come from.",
        };
        var hash = new Option<bool>("--hash") { Description = "Compute the SHA-256 of a file, which reads all of it." };
        var modelFile = new ModelOptions();
        var json = new Option<bool>("--json") { Description = "Print one JSON document." };
        var command = new Command(
            "models",
            "List models, or describe one, or a file of weights.")
        {
            name, cached, annotators, hash,
        };
        foreach (var option in (Option[])[.. modelFile.All, json])
            command.Add(option);
        command.SetAction((result, cancellationToken) =>
        {
            var asJson = result.GetValue(json);
            if (result.GetValue(cached) && result.GetValue(name) is { } named)
                throw new UsageException(
                    $"--cached lists all cached models, and {Message.Name(named)} names one: leave out one of the two.");
            if (result.GetValue(annotators) && (result.GetValue(name) is not null || result.GetValue(cached)))
                throw new UsageException("--annotators lists the networks of conditions: expected no model and no --cached beside it.");
            if (result.GetValue(annotators))
                AnnotatorList.Print(terminal, asJson);
            else if (result.GetValue(cached))
                CachedModels.List(terminal, asJson);
            else if (result.GetValue(name) is not { } given)
                List(terminal, asJson);
            else
                Show(CachedModels.Find(given), result.GetValue(hash), modelFile.Complete(result, new LoadOptions()), asJson);
            return Task.FromResult(App.Success);

            void Show(string what, bool compute, LoadOptions load, bool json)
            {
                var digest = File.Exists(what) ? WeightDigest.OfFile(what, compute, cancellationToken) : null;
                if (compute && digest is null)
                    throw new UsageException($"--hash needs a file, {Message.Name(what)} is none.");
                var kind = SourceKinds.Of(what);
                if (kind != SourceKind.Model)
                    modelFile.RequireNone(result, what);
                switch (kind)
                {
                    case SourceKind.Control: ShowControl(terminal, what, digest, json); break;
                    case SourceKind.Other when ControlSource.GraphOf(what) is not null:
                        GraphReport.ShowFile(terminal, what, digest, json);
                        break;
                    case SourceKind.Other: FileReport.Show(terminal, what, digest, json); break;
                    default: ShowModel(terminal, what, load, digest, json); break;
                }
            }
        });
        return command;
    }

    private static void List(Terminal terminal, bool json)
    {
        var models = ModelPackages.Names.Select(model => new
        {
            name = model,
            controls = ModelNames.ControlsOf(ModelPackages.FindFolder(model)!).Select(c => $"{model}/{c}").ToArray(),
        }).ToArray();
        if (json)
        {
            Json.Print(terminal, new { models });
            return;
        }

        foreach (var model in models)
        {
            terminal.Result(model.name);
            foreach (var control in model.controls)
                terminal.Result($"  {control}");
        }

        if (models.Length == 0)
            terminal.Result("No model is embedded; --model takes a folder in diffusers' layout.");
    }

    private static void ShowModel(Terminal terminal, string name, LoadOptions options, string? digest, bool json)
    {
        var path = ModelNames.FindModel(name);

        // A file that was pruned of a part is described, too.
        var isPruned = File.Exists(path) && options is { Config: null, Vae: null };
        var folder = ModelFolder.Open(path, isPruned ? options with { Parts = CheckpointFile.PartsIn(path) } : options);
        var scheduler = folder.ReadScheduler();
        // A single file has CLIP's own tokenizers, or was read with those in its header.
        if (!folder.IsSingleFile)
            folder.ReadTokenizers();
        if (folder.Graphs is null)
            folder.CheckWeights();
        var (side, defaults) = (folder.NativeSize, new GenerateOptions().For(folder.Generation));
        var missing = folder.Index.Parts.Where(part => ModelFolder.KindOrNull(part) is not null).Except(folder.Networks).ToArray();
        var parts = folder.Graphs is not null ? [] : folder.Networks.Order(StringComparer.Ordinal).Select(part =>
        {
            using var weights = folder.OpenWeights(part);
            return Part(part, weights);
        }).ToArray();
        var graphs = folder.Graphs is null ? [] : GraphReport.OfModel(folder);
        var controls = folder.IsSingleFile ? [] : ModelNames.ControlsOf(folder.Path);
        foreach (var place in controls.Select(control => Path.Combine(folder.Path, "controlnet", control)))
        {
            if (ControlSource.GraphOf(place) is null)
                OpenControl(place).Weights.Dispose();
        }

        if (json)
        {
            Json.Print(terminal, new
            {
                name,
                path = folder.Path,
                family = folder.FamilyName,
                pipeline = folder.Index.ClassName,
                task = folder.Task,
                native_size = side,
                text_width = folder.UNet.CrossAttentionDim,
                latent_channels = folder.Autoencoder.LatentChannels,
                scheduler = scheduler.ClassName,
                prediction = scheduler.PredictionType,
                defaults = new
                {
                    steps = defaults.StepCount,
                    guidance = defaults.GuidanceScale,
                    width = folder.DefaultSize.Width,
                    height = folder.DefaultSize.Height,
                    scheduler = defaults.Scheduler ?? scheduler.ClassName,
                    prompt = folder.Generation.Prompt,
                },
                parts,
                graphs,
                missing,
                controls,
                sha256 = digest,
                auto_v2 = FileReport.AutoV2(digest),
                warnings = folder.Warnings,
            });
            return;
        }

        terminal.Result(
            $"{name}: {folder.FamilyName}, {folder.Index.ClassName}, trained at {side}x{side}, text width {folder.UNet.CrossAttentionDim}, "
                + $"{folder.Autoencoder.LatentChannels} latent channels");
        terminal.Result($"  scheduler     {scheduler.ClassName}, predicts {scheduler.PredictionType}");
        var guidance = defaults.GuidanceScale.ToString(CultureInfo.InvariantCulture);
        terminal.Result(
            $"  defaults      {defaults.StepCount} steps, guidance {guidance}, {folder.DefaultSize.Width}x{folder.DefaultSize.Height}"
                + (folder.Generation.Scheduler is { } own ? $", {own}" : ""));
        if (folder.Generation.Prompt is { } form)
            terminal.Result($"  prompts       {form}");
        foreach (var part in parts)
            terminal.Result(part.Line);
        foreach (var graph in graphs)
            terminal.Result(graph.Line);
        foreach (var part in missing)
            terminal.Result($"  {part,-13} not in the file; {(part == "vae" ? "--vae" : "--config")} supplies it");
        foreach (var control in controls)
            terminal.Result($"  control       {control}");
        FileReport.ShowDigest(terminal, digest);
        foreach (var warning in folder.Warnings)
            terminal.Warn(warning);
    }

    /// <summary>Opens a control network from a folder or file.</summary>
    /// <exception cref="ControlNetException">The weights do not fit the configuration or cannot be read.</exception>
    private static (ControlNetConfig Config, WeightSource Weights) OpenControl(string path)
    {
        var source = ControlSource.Open(path);
        var (config, weights) = (source.Config, source.OpenWeights());
        try
        {
            // Only the network itself knows the shapes of a ControlNet-lite.
            if (!config.Lite)
                WeightLoader.Match(weights, KeyMap.For(config));
            return (config, weights);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    private static void ShowControl(Terminal terminal, string name, string? digest, bool json)
    {
        var path = ModelNames.FindControl(name);
        if (ControlSource.GraphOf(path) is not null || BuiltInControl.TryParse(path, out _))
        {
            GraphReport.ShowControl(terminal, name, path, digest, json);
            return;
        }

        var (config, weights) = OpenControl(path);
        using (weights)
        {
            var part = Part("control", weights);
            ControlReport.Show(terminal, name, path, config, "", [new("part", part)], [part.Line], digest, json);
        }
    }

    private static PartSummary Part(string name, WeightSource weights) => new(
        name,
        weights.Tensors.Count,
        weights.Tensors.Values.Sum(tensor => tensor.Count),
        weights.Tensors.Values.Sum(tensor => tensor.ByteLength),
        [.. weights.Tensors.Values.Select(tensor => tensor.Type.FormatName()).Distinct().Order(StringComparer.Ordinal)]);

    private sealed record PartSummary(string Name, int Tensors, long Parameters, long Bytes, string[] Types)
    {
        [System.Text.Json.Serialization.JsonIgnore]
        public string Line => string.Create(
            CultureInfo.InvariantCulture, $"  {Name,-13} {Parameters,15:N0} parameters, {Bytes / 1e6,8:N1} MB, {string.Join(" ", Types)}");
    }
}
