using System.CommandLine;
using ControlNet.ML.Cli.Training;
using ControlNet.ML.Torch.Training;
using ControlNet.ML.Torch.Training.Data;

namespace ControlNet.ML.Cli.Commands;

/// <summary><c>controlnet train</c>: a control network from images, conditions and prompts.</summary>
internal static class TrainCommand
{
    /// <summary>What a run keeps in its folder, besides results.</summary>
    private static readonly string[] RunFiles = ["run.json", "log.jsonl"];

    public static Command Create(Terminal terminal)
    {
        var defaults = new TrainingOptions { Folder = "" };
        var data = new Argument<string>("data") { Description = "A folder with metadata.jsonl (columns file_name, conditioning_image, text) or prompt.json (source, target, prompt), and the images." };
        var output = new Option<string>("--out") { Description = "The run's folder; the same command again goes on where it stopped.", Required = true };
        var model = new Option<string>("--model") { Description = "The base: an embedded model or a folder in diffusers' layout.", DefaultValueFactory = _ => "emoji" };
        var steps = new Option<long>("--steps") { Description = "Steps of the optimiser.", DefaultValueFactory = _ => defaults.Steps };
        var batch = new Option<int>("--batch") { Description = "Rows a batch.", DefaultValueFactory = _ => defaults.BatchSize };
        var accumulate = new Option<int>("--accumulate") { Description = "Batches a step.", DefaultValueFactory = _ => defaults.GradientAccumulation };
        var rate = new Option<double>("--rate") { Description = "Learning rate.", DefaultValueFactory = _ => defaults.LearningRate };
        var schedule = new Option<LearningRateSchedule>("--schedule") { Description = "How the rate goes: constant, cosine.", DefaultValueFactory = _ => defaults.Schedule };
        var warmUp = new Option<int>("--warm-up") { Description = "Steps over which the rate rises from 0.", DefaultValueFactory = _ => defaults.WarmUpSteps };
        var decay = new Option<double>("--weight-decay") { Description = "AdamW's weight decay.", DefaultValueFactory = _ => defaults.Optimizer.WeightDecay };
        var clip = new Option<double>("--clip") { Description = "Longest gradient; 0 for no bound.", DefaultValueFactory = _ => defaults.MaxGradientNorm ?? 0 };
        var ema = new Option<double?>("--ema") { Description = "Decay of the weights' moving average, 0.999 for instance, which then is the result." };
        var drop = new Option<double>("--prompt-drop") { Description = "Share of prompts replaced by the empty one.", DefaultValueFactory = _ => defaults.PromptDrop };
        var snr = new Option<double?>("--min-snr") { Description = "Gamma of min-SNR weighting; 5 is usual." };
        var width = new Option<int?>("--width") { Description = "Columns of the images; the model's own size if not said." };
        var height = new Option<int?>("--height") { Description = "Rows of the images; the model's own size if not said." };
        var flip = new Option<bool>("--flip") { Description = "Mirror half of the images, conditions alike." };
        var crop = new Option<CropMode>("--crop") { Description = "Which part of an image of another shape: centre, random.", DefaultValueFactory = _ => defaults.Crop };
        var unlock = new Option<bool>("--unlock-decoder") { Description = "Train the UNet's decoder, too (sd_locked = False); the run then has a unet folder." };
        var onlyMid = new Option<bool>("--only-mid") { Description = "Join the middle residual only (only_mid_control)." };
        var checkpointing = new Option<bool>("--gradient-checkpointing") { Description = "Compute the decoder again rather than remember it: less memory, more time." };
        var ablation = new Option<Ablation>("--ablation") { Description = "What the paper compares with: none; gaussian, convolutions with random weights in place of the zero ones; lite, one convolution in place of each block of the copy.", DefaultValueFactory = _ => defaults.Ablation };
        var from = new Option<string?>("--from") { Description = "A control network to begin with in place of the copy of the base's encoder." };
        var fromBase = new Option<string?>("--from-base") { Description = "The base that --from was trained for, if another: the bases' difference is added." };
        var hint = new Option<int[]>("--hint-channels") { Description = "Channels of the condition encoder's stages.", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [.. defaults.ConditioningEmbeddingOutChannels] };
        var seed = ImageOptions.SeedOption("Of everything random.", defaults.Seed);
        var preprocess = new Option<string?>("--preprocess") { Description = "The kind of condition to make from each image, for tables without conditions." };
        var set = new Option<string[]>("--set") { Description = "NAME=VALUE, an option of --preprocess.", DefaultValueFactory = _ => [] };
        var imageColumn = new Option<string?>("--image-column") { Description = "The images' column, if not file_name." };
        var conditionColumn = new Option<string?>("--condition-column") { Description = "The conditions' column, if not conditioning_image." };
        var promptColumn = new Option<string?>("--prompt-column") { Description = "The prompts' column, if not text." };
        var encoding = TextOptions.Encoding();
        var held = new Option<int>("--validation-rows") { Description = "Rows held out to see whether the network follows its condition.", DefaultValueFactory = _ => defaults.ValidationRows };
        var validateEvery = new Option<int>("--validate-every") { Description = "Steps between two looks at them.", DefaultValueFactory = _ => defaults.ValidateEvery };
        var stopAt = new Option<double?>("--stop-at-gap") { Description = "End when exchanged conditions cost this share more than the right ones in three looks, 0.1 for instance." };
        var sampleEvery = new Option<int>("--sample-every") { Description = "Steps between two sample sheets; 0 for none.", DefaultValueFactory = _ => defaults.SampleEvery };
        var samples = new Option<int>("--samples") { Description = "Rows on a sheet.", DefaultValueFactory = _ => defaults.Samples };
        var checkpointEvery = new Option<int>("--checkpoint-every") { Description = "Steps between two checkpoints.", DefaultValueFactory = _ => defaults.CheckpointEvery };
        var keep = new Option<int>("--keep") { Description = "Checkpoints that are kept.", DefaultValueFactory = _ => defaults.KeepCheckpoints };
        var cache = new Option<string?>("--cache") { Description = "Where encodings are kept; several runs may share it. In the run's folder if not said." };
        var noCache = new Option<bool>("--no-cache") { Description = "Encode every image anew each time." };
        var maxCache = new Option<double>("--max-cache-gb") { Description = "How large the cache may grow, GiB.", DefaultValueFactory = _ => defaults.MaxCacheBytes / (double)(1 << 30) };
        var precision = ImageOptions.PrecisionOption();
        var device = ImageOptions.DeviceOption();
        var json = new Option<bool>("--json") { Description = "Print one JSON document at the end." };

        var command = new Command("train", "Train a control network; goes on where it was interrupted.")
        {
            data, output, model, steps, batch, accumulate, rate, schedule, warmUp, decay, clip, ema, drop, snr, width, height, flip, crop, unlock, onlyMid,
            checkpointing, ablation, from, fromBase, hint, seed, preprocess, set, imageColumn, conditionColumn, promptColumn, encoding, held, validateEvery, stopAt,
            sampleEvery, samples, checkpointEvery, keep, cache, noCache, maxCache, precision, device, json,
        };
        command.Add(PlotCommand(terminal));
        command.SetAction((result, cancellationToken) =>
        {
            var kind = result.GetValue(preprocess) is { } name ? Conditions.ConditionCatalog.Find(name) : null;
            if (kind is null && result.GetValue(set) is { Length: > 0 })
                throw new UsageException("--set belongs to --preprocess, which is not said.");
            var options = new TrainingOptions
            {
                Folder = result.GetValue(output)!,
                Steps = result.GetValue(steps),
                BatchSize = result.GetValue(batch),
                GradientAccumulation = result.GetValue(accumulate),
                LearningRate = result.GetValue(rate),
                Schedule = result.GetValue(schedule),
                WarmUpSteps = result.GetValue(warmUp),
                Optimizer = new AdamWOptions { WeightDecay = result.GetValue(decay) },
                MaxGradientNorm = result.GetValue(clip) is var bound && bound == 0 ? null : bound,
                EmaDecay = result.GetValue(ema),
                PromptDrop = result.GetValue(drop),
                MinSnrGamma = result.GetValue(snr),
                Width = result.GetValue(width),
                Height = result.GetValue(height),
                Flip = result.GetValue(flip),
                Crop = result.GetValue(crop),
                SdLocked = !result.GetValue(unlock),
                OnlyMidControl = result.GetValue(onlyMid),
                GradientCheckpointing = result.GetValue(checkpointing),
                Ablation = result.GetValue(ablation),
                InitialControl = result.GetValue(from),
                InitialBase = result.GetValue(fromBase),
                ConditioningEmbeddingOutChannels = result.GetValue(hint)!,
                Seed = result.GetValue(seed),
                Preprocess = kind?.Name,
                PreprocessOptions = kind?.ParseOptions(result.GetValue(set)!),
                ValidationRows = result.GetValue(held),
                ValidateEvery = result.GetValue(validateEvery),
                StopAtGap = result.GetValue(stopAt),
                SampleEvery = result.GetValue(sampleEvery),
                Samples = result.GetValue(samples),
                CheckpointEvery = result.GetValue(checkpointEvery),
                KeepCheckpoints = result.GetValue(keep),
                Cache = !result.GetValue(noCache),
                CacheFolder = result.GetValue(cache),
                MaxCacheBytes = (long)(result.GetValue(maxCache) * (1 << 30)),
            };
            var columns = result.GetValue(imageColumn) is null && result.GetValue(conditionColumn) is null && result.GetValue(promptColumn) is null
                ? null
                : new TrainingColumns
                {
                    Image = result.GetValue(imageColumn) ?? new TrainingColumns().Image,
                    Condition = result.GetValue(conditionColumn) ?? new TrainingColumns().Condition,
                    Prompt = result.GetValue(promptColumn) ?? new TrainingColumns().Prompt,
                };
            var load = new LoadOptions { Precision = ImageOptions.PrecisionOf(result.GetValue(precision)!), Device = result.GetValue(device) };
            var table = TrainingTable.Open(result.GetValue(data)!, columns, result.GetValue(encoding));
            return TrainRun.RunAsync(terminal, table, result.GetValue(model)!, load, options, result.GetValue(json), cancellationToken);
        });
        return command;
    }

    private static Command PlotCommand(Terminal terminal)
    {
        var runs = new Argument<string[]>("run") { Description = "The folder of a run; several are drawn together.", Arity = ArgumentArity.OneOrMore };
        var output = new Option<string?>("--output") { Description = "The SVG file; curves.svg in the first run's folder if not said, or in a FOLDER/ that is named." };
        var command = new Command("plot", "Draw a run's curves: the losses of held-out rows with the right and with exchanged conditions, whose gap opens when the network begins to follow its condition.") { runs, output };
        command.SetAction(result =>
        {
            var folders = result.GetValue(runs)!;
            var file = OutputName.File(result.GetValue(output), Path.Combine(folders[0], "curves.svg"));
            if (!Path.GetExtension(file).Equals(".svg", StringComparison.OrdinalIgnoreCase))
                throw new UsageException($"--output {Message.Name(file)} has the ending {Message.Name(Path.GetExtension(file))}, expected .svg.");
            InputFiles.Keep([file], folders.SelectMany(folder => RunFiles.Select(name => ((string?)Path.Combine(folder, name), "the run's"))));
            TrainingPlot.Write(file, [.. folders.Select(folder => (Path.GetFileName(Path.GetFullPath(folder)), TrainingHistory.Read(folder)))]);
            terminal.Result(file);
            return App.Success;
        });
        return command;
    }
}
