using System.CommandLine;
using ControlNet.ML.Conditions;
using ControlNet.ML.Torch.Training;
using ControlNet.ML.Torch.Training.Data;

namespace ControlNet.ML.Cli.Commands;

/// <summary>
/// The options of <c>train</c> that become <see cref="TrainingOptions"/>. Where diffusers' <c>train_controlnet.py</c> has the same option,
/// it has the same name.
/// </summary>
internal sealed class TrainOptions
{
    private static readonly TrainingOptions Defaults = new() { Folder = "" };

    private readonly RenamedOption<string> _output = OutputName.RunFolder();

    private readonly Option<long> _steps = new("--steps")
    {
        Description = "Total number of optimiser steps.",
        DefaultValueFactory = _ => Defaults.Steps,
    };

    private readonly RenamedOption<int> _batchSize = new("--batch-size", "--batch")
    {
        Description = "Batch size.",
        DefaultValueFactory = _ => Defaults.BatchSize,
    };

    private readonly RenamedOption<int> _accumulation = new("--gradient-accumulation-steps", "--accumulate")
    {
        Description = "Batches to accumulate before each optimiser step.",
        DefaultValueFactory = _ => Defaults.GradientAccumulationSteps,
    };

    private readonly RenamedOption<double> _learningRate = new("--learning-rate", "--rate")
    {
        Description = "Learning rate after the warm-up.",
        DefaultValueFactory = _ => Defaults.LearningRate,
    };

    private readonly RenamedOption<LearningRateScheduler> _scheduler = new("--lr-scheduler", "--schedule")
    {
        Description = "Learning rate scheduler.",
        DefaultValueFactory = _ => Defaults.LearningRateScheduler,
    };

    private readonly RenamedOption<int> _warmup = new("--lr-warmup-steps", "--warm-up")
    {
        Description = "Steps over which the learning rate rises from 0.",
        DefaultValueFactory = _ => Defaults.LearningRateWarmupSteps,
    };

    private readonly Option<double> _weightDecay = new("--weight-decay")
    {
        Description = "AdamW's weight decay.",
        DefaultValueFactory = _ => Defaults.Optimizer.WeightDecay,
    };

    private readonly RenamedOption<double> _maxGradNorm = new("--max-grad-norm", "--clip")
    {
        Description = "Maximum gradient norm; 0 disables clipping.",
        DefaultValueFactory = _ => Defaults.MaxGradNorm ?? 0,
    };

    private readonly RenamedOption<double?> _emaDecay = new("--ema-decay", "--ema")
    {
        Description = "Decay of the exponential moving "
            + "average of the weights, for instance 0.999; the average is then the result. By default none."
    };

    private readonly RenamedOption<double> _emptyPrompts = new("--proportion-empty-prompts", "--prompt-drop")
    {
        Description = "Proportion of prompts replaced by the empty prompt, 0 to 1.",
        DefaultValueFactory = _ => Defaults.ProportionEmptyPrompts,
    };

    private readonly Option<string> _promptSyntax = ImageOptions.PromptSyntaxOption();
    private readonly Option<string> _longPrompts = ImageOptions.LongPromptsOption();
    private readonly RenamedOption<double?> _snrGamma = new("--snr-gamma", "--min-snr")
    {
        Description = "Gamma of min-SNR loss weighting; 5 is usual. By default no weighting."
    };

    private readonly SizeOptions _size = new(
        "Image size: N or WIDTHxHEIGHT in pixels; by default the model's own.", "the model's own for a side that is not given.");

    private readonly RenamedOption<bool> _flip = new("--random-flip", "--flip")
    {
        Description = "Flip images and conditions horizontally with probability 0.5."
    };

    private readonly Option<CropMode> _crop = new("--crop")
    {
        Description = "Part to keep of an image with another aspect ratio.",
        DefaultValueFactory = _ => Defaults.Crop,
    };

    private readonly Option<bool> _unlock = new("--unlock-decoder")
    {
        Description = "Also train the UNet's decoder (sd_locked = False), and write the UNet to the run's folder."
    };

    private readonly RenamedOption<bool> _onlyMid = new("--only-mid-control", "--only-mid")
    {
        Description = "Add only the middle residual to the UNet.",
    };

    private readonly Option<bool> _gradientCheckpointing = new("--gradient-checkpointing")
    {
        Description = "Recompute the decoder in the backward pass instead of storing its activations: less memory, more time."
    };

    private readonly Option<Ablation> _ablation = new("--ablation")
    {
        Description = "The paper's ablations. Gaussian: random weights instead of zero convolutions. Lite: one convolution instead of "
            + "each block of the copy.",
        DefaultValueFactory = _ => Defaults.Ablation,
    };

    private readonly Option<string?> _from = new("--from")
    {
        Description = "Control network to start from; by default a copy of the base's encoder."
    };

    private readonly Option<string?> _fromBase = new("--from-base")
    {
        Description = "Base model that --from was trained for, if not --model; the difference between the two is added."
    };

    private readonly RenamedOption<int[]> _channels = new("--conditioning-embedding-out-channels", "--hint-channels")
    {
        Description = "Output channels of the condition encoder's blocks.",
        HelpName = "channels",
        AllowMultipleArgumentsPerToken = true,
        DefaultValueFactory = _ => [.. Defaults.ConditioningEmbeddingOutChannels],
    };

    private readonly Option<SeedChoice> _seed = SeedChoice.Option("Seed of everything random.", Defaults.Seed);
    private readonly Option<string?> _preprocess = new("--preprocess")
    {
        Description = "Preprocessor that makes the condition from each image, for tables without conditions. 'annotate --list' lists them."
    };

    private readonly Option<string[]> _set = new("--set")
    {
        Description = "NAME=VALUE: an option of --preprocess; 'annotate --list' explains them. Repeatable.",
        HelpName = "name=value",
        DefaultValueFactory = _ => [],
    };

    private readonly Option<int> _validationRows = new("--validation-rows")
    {
        Description = "Rows held out to validate whether the network follows its condition.",
        DefaultValueFactory = _ => Defaults.ValidationRows
    };

    private readonly RenamedOption<int> _validationSteps = new("--validation-steps", "--validate-every")
    {
        Description = "Validate every so many steps.",
        DefaultValueFactory = _ => Defaults.ValidationSteps,
    };

    private readonly Option<double?> _stopAtGap = new("--stop-at-gap")
    {
        Description = "Stop when exchanged conditions raise the validation loss by this share, for instance 0.1, three times in a row."
    };

    private readonly Option<int> _sampleEvery = new("--sample-every")
    {
        Description = "Write a sheet of samples every so many steps; 0 disables them.",
        DefaultValueFactory = _ => Defaults.SampleEvery
    };

    private readonly Option<int> _samples = new("--samples")
    {
        Description = "Samples on a sheet.",
        DefaultValueFactory = _ => Defaults.Samples,
    };

    private readonly RenamedOption<int> _checkpointingSteps = new("--checkpointing-steps", "--checkpoint-every")
    {
        Description = "Save a checkpoint every so many steps.",
        DefaultValueFactory = _ => Defaults.CheckpointingSteps,
    };

    private readonly RenamedOption<int> _checkpoints = new("--checkpoints-total-limit", "--keep")
    {
        Description = "Maximum number of checkpoints to keep.",
        DefaultValueFactory = _ => Defaults.CheckpointsTotalLimit,
    };

    private readonly Option<string?> _cache = new("--cache")
    {
        Description = "Folder for cached latents and text embeddings, which runs can share; by default in the run's folder."
    };

    private readonly Option<bool> _noCache = new("--no-cache") { Description = "Encode images and prompts each time." };

    private readonly Option<double> _maxCache = new("--max-cache-gb")
    {
        Description = "Maximum size of the cache in GiB.",
        DefaultValueFactory = _ => Defaults.MaxCacheBytes / (double)(1 << 30),
    };

    /// <summary>Adds them to a command, in the order of its help.</summary>
    /// <param name="command">The command.</param>
    /// <param name="model">The command's own option for the base model, which comes second.</param>
    public TrainOptions(Command command, Option model)
    {
        Option[] all =
        [
            _output, model, _steps, _batchSize, _accumulation, _learningRate, _scheduler, _warmup, _weightDecay, _maxGradNorm, _emaDecay,
            _emptyPrompts, _promptSyntax, _longPrompts, _snrGamma, .. _size.All, _flip, _crop, _unlock, _onlyMid, _gradientCheckpointing,
            _ablation, _from, _fromBase, _channels, _seed, _preprocess, _set, _validationRows, _validationSteps, _stopAtGap, _sampleEvery,
            _samples, _checkpointingSteps, _checkpoints, _cache, _noCache, _maxCache,
        ];
        foreach (var option in all)
            command.Add(option);
    }

    /// <summary>What a command line says.</summary>
    /// <exception cref="UsageException">Options contradict each other.</exception>
    /// <exception cref="ControlNetException">There is no such preprocessor, or it has no such option.</exception>
    public TrainingOptions Training(ParseResult result)
    {
        var preprocessor = result.GetValue(_preprocess) is { } name ? UsageException.Of(() => ConditionCatalog.Find(name)) : null;
        if (preprocessor is null && result.GetValue(_set) is { Length: > 0 })
            throw new UsageException("--set needs --preprocess.");
        var (folder, size) = (result.GetValue(_output)!, _size.Of(result));
        var options = new TrainingOptions
        {
            Folder = folder,
            Steps = result.GetValue(_steps),
            BatchSize = result.GetValue(_batchSize),
            GradientAccumulationSteps = result.GetValue(_accumulation),
            LearningRate = result.GetValue(_learningRate),
            LearningRateScheduler = result.GetValue(_scheduler),
            LearningRateWarmupSteps = result.GetValue(_warmup),
            Optimizer = new AdamWOptions { WeightDecay = result.GetValue(_weightDecay) },
            MaxGradNorm = result.GetValue(_maxGradNorm) is var norm && norm == 0 ? null : norm,
            EmaDecay = result.GetValue(_emaDecay),
            ProportionEmptyPrompts = result.GetValue(_emptyPrompts),
            PromptSyntax = PromptSyntaxNames.Parse(result.GetValue(_promptSyntax)!),
            LongPrompts = ImageOptions.LongPromptsOf(result.GetValue(_longPrompts)!),
            SnrGamma = result.GetValue(_snrGamma),
            Width = size?.Width,
            Height = size?.Height,
            RandomFlip = result.GetValue(_flip),
            Crop = result.GetValue(_crop),
            SdLocked = !result.GetValue(_unlock),
            OnlyMidControl = result.GetValue(_onlyMid),
            GradientCheckpointing = result.GetValue(_gradientCheckpointing),
            Ablation = result.GetValue(_ablation),
            InitialControl = result.GetValue(_from),
            InitialBase = result.GetValue(_fromBase),
            ConditioningEmbeddingOutChannels = result.GetValue(_channels)!,
            Seed = Seed(folder, result).Value,
            Preprocess = preprocessor?.Name,
            PreprocessOptions = preprocessor is null ? null : ConditionSettings.For([preprocessor], [], result.GetValue(_set)!)[0],
            ValidationRows = result.GetValue(_validationRows),
            ValidationSteps = result.GetValue(_validationSteps),
            StopAtGap = result.GetValue(_stopAtGap),
            SampleEvery = result.GetValue(_sampleEvery),
            Samples = result.GetValue(_samples),
            CheckpointingSteps = result.GetValue(_checkpointingSteps),
            CheckpointsTotalLimit = result.GetValue(_checkpoints),
            Cache = !result.GetValue(_noCache),
            CacheFolder = result.GetValue(_cache),
            MaxCacheBytes = (long)(result.GetValue(_maxCache) * (1 << 30)),
        };
        return UsageException.Of(() =>
        {
            options.Check();
            return options;
        });
    }

    /// <summary>The seed; a drawn one is that of the run in the folder, if there is one.</summary>
    public SeedChoice Seed(string folder, ParseResult result) =>
        result.GetValue(_seed)!.Resumed(TrainingFolder.SeedOf(folder));
}
