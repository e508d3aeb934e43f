using System.CommandLine;
using System.Globalization;
using ControlNet.ML.Conditions;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Commands;

/// <summary>The options of the commands that generate images, and those that other commands share with them.</summary>
internal sealed class ImageOptions
{
    private readonly Option<string[]> _controls = new("--control")
    {
        Description = "NAME[:SCALE[:START-END]]: a control network (the name of one of the model's own, MODEL/NAME of an embedded one, a "
            + "folder, a file, or owner/name[@revision][:subfolder] of one on the Hugging Face hub), its conditioning scale, and "
            + "the part of the steps in which it applies (0 to 1). Repeatable. "
            + "By default the model's only network; if it has several, the one for --preprocess, or canny, when a photo is given.",
    };

    private readonly Option<string?> _preprocess = new("--preprocess")
    {
        Description = "Preprocessor that makes conditions from photos; by default the one that the network's name contains. "
            + "'annotate --list' lists them.",
    };

    private readonly Option<double> _low = LowOption();
    private readonly Option<double> _high = HighOption();
    private readonly Option<string[]> _set = new("--set")
    {
        Description = "NAME=VALUE: an option of the preprocessor, for instance threshold=64 for scribble; 'annotate --list' explains them. "
            + "Repeatable.",
        HelpName = "name=value",
    };

    private readonly Option<string> _fit = FitOption();
    private readonly Option<string> _model = new("--model")
    {
        Description = "Base model: an embedded one, a folder in diffusers' layout, a single file (.safetensors, .ckpt), or "
            + "owner/name[@revision][:subfolder] of one on the Hugging Face hub, which is fetched into the cache.",
        DefaultValueFactory = _ => "emoji",
    };

    private readonly Option<int?> _steps = new("--steps")
    {
        Description = $"Denoising steps, 1 to 1,000; by default the model's own, otherwise {GenerateOptions.DefaultSteps}.",
    };

    private readonly Option<double?> _guidance = new("--guidance")
    {
        Description = "Guidance scale of classifier-free guidance; 1 disables it. By default the model's own, otherwise "
            + $"{GenerateOptions.DefaultGuidance.ToString(CultureInfo.InvariantCulture)}.",
    };

    private readonly Option<double> _guidanceRescale = new("--guidance-rescale")
    {
        Description = "Guidance rescale, 0 (off) to 1: less over-exposed images at a high guidance scale.",
        DefaultValueFactory = _ => new GenerateOptions().GuidanceRescale,
        HelpName = "share",
    };

    private readonly Option<SeedChoice> _seed;
    private readonly Option<string?> _scheduler = new("--scheduler")
    {
        Description = $"Scheduler; by default the model's own. One of {string.Join(", ", SchedulerCatalog.Names)}; names of diffusers' "
            + "classes (EulerDiscreteScheduler) and of web UIs (DPM++ 2M Karras) are understood, too.",
        HelpName = "name",
    };

    private readonly Option<double> _eta = new("--eta")
    {
        Description = "Noise that schedulers with an eta (DDIM, TCD) add at every step, 0 to 1.",
        DefaultValueFactory = _ => new GenerateOptions().Eta,
        HelpName = "share",
    };

    private readonly Option<string[]> _approximate = new("--approximate")
    {
        Description = "Leave work out, for another image in less time: features=N (the whole UNet every N steps, between them its "
            + "outermost layers), control=N (control networks every N steps), guidance=SHARE (guidance in that share of the "
            + "steps). Repeatable.",
        HelpName = "name=value",
    };

    private readonly Option<int?> _clipSkip = new("--clip-skip")
    {
        Description = "Number of the text encoder's last layers to skip, as in diffusers: one less than the 'Clip skip' of web UIs.",
        HelpName = "layers",
    };

    private readonly Option<string> _promptSyntax = PromptSyntaxOption();
    private readonly Option<string> _longPrompts = LongPromptsOption();
    private readonly Option<string[]> _loras = new("--lora")
    {
        Description = "FILE[:WEIGHT]: a LoRA (a file, or owner/name on the hub), and the factor of its changes (by default 1). Repeatable; "
            + "several add up.",
        HelpName = "file[:weight]",
    };

    private readonly Option<string?> _loraFolder = new("--lora-folder")
    {
        Description = "Folder of the LoRAs that prompts may name: <lora:NAME:WEIGHT>.",
        HelpName = "folder",
    };

    private readonly Option<string[]> _embeddings = new("--embedding")
    {
        Description = "FILE[:TOKEN]: a textual inversion (a file, or owner/name on the hub), and the token by which prompts name it; by "
            + "default the file's own, otherwise its name. Repeatable.",
        HelpName = "file[:token]",
    };

    private readonly Option<string?> _negative = new("--negative") { Description = "Negative prompt: what the image should not show." };
    private readonly Option<string?> _guess = new("--guess")
    {
        Description = "Guess mode, which needs no prompt: scales the residuals as 'diffusers' (default) or as the 'original' code does.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string> _weighting = new("--weighting")
    {
        Description = "Weighting of the residuals: 'uniform', or 'resolution' for the paper's classifier-free guidance resolution "
            + "weighting.",
        DefaultValueFactory = _ => "uniform",
    };

    private readonly SizeOptions _size = new(
        "Image size: N or WIDTHxHEIGHT in pixels, multiples of 8; by default the size that the model was trained at.",
        "the model's own for a side that is not given.");

    private readonly ModelOptions _modelFile = new();
    private readonly Option<string?> _variant = VariantOption();
    private readonly Option<string> _precision = PrecisionOption();
    private readonly Option<string?> _vaePrecision = VaePrecisionOption();
    private readonly Option<bool> _tiling = new("--tiling")
    {
        Description = "Decode and encode images in strips of rows: a fraction of the memory, without seams.",
    };

    private readonly Option<bool> _lowMemory = new("--low-memory")
    {
        Description = "Compute the rows of a batch, and the negative prompt's, one after the other, without text encoders in memory.",
    };

    private readonly Option<string?> _kernels = KernelsOption();
    private readonly Option<string?> _device = DeviceChoice.Option();
    private readonly Option<string?> _backend = BackendChoice.Option();

    /// <summary>Adds the options to a command, in the order in which its help lists them.</summary>
    /// <param name="command">The command.</param>
    /// <param name="seed">Description of the seed.</param>
    /// <param name="afterSeed">The command's own options, listed after the seed.</param>
    public ImageOptions(Command command, string seed, params ReadOnlySpan<Option> afterSeed)
    {
        _guess.AcceptOnlyFromAmong("diffusers", "original");
        _weighting.AcceptOnlyFromAmong("uniform", "resolution");
        _seed = SeedChoice.Option(seed, 0);
        Option[] options =
        [
            _controls, _preprocess, _low, _high, _set, _fit, _model, _steps, _guidance, _guidanceRescale, _seed, .. afterSeed,
            _loras, _loraFolder, _embeddings, _scheduler, _eta, _approximate, _negative, _promptSyntax, _longPrompts, _clipSkip, _guess,
            _weighting, .. _size.All, .. _modelFile.All, _variant, _precision, _vaePrecision, _tiling,
            _lowMemory, _kernels, _device, _backend,
        ];
        foreach (var option in options)
            command.Add(option);
    }

    public string[] Controls(ParseResult result) => result.GetValue(_controls) ?? [];

    public string? Preprocess(ParseResult result) => result.GetValue(_preprocess);

    /// <summary>The preprocessor settings with options of their own, for the kinds of conditions that have them.</summary>
    public string[] Canny(ParseResult result) =>
        [ConditionSettings.Of("Low", result.GetValue(_low)), ConditionSettings.Of("High", result.GetValue(_high))];

    public string[] Settings(ParseResult result) => result.GetValue(_set) ?? [];

    public FitMode Fit(ParseResult result) => FitOf(result.GetValue(_fit)!);

    public string Model(ParseResult result) => result.GetValue(_model)!;

    public SizeRequest? Size(ParseResult result) => _size.Of(result);

    public SeedChoice Seed(ParseResult result) => result.GetValue(_seed)!;

    /// <summary>The textual inversions.</summary>
    public EmbeddingArgument[] Embeddings(ParseResult result) =>
        [.. (result.GetValue(_embeddings) ?? []).Select(EmbeddingArgument.Parse)];

    public LoadOptions Load(ParseResult result)
    {
        var backend = BackendChoice.Of(result.GetValue(_backend));
        return _modelFile.Complete(result, new()
        {
            Variant = result.GetValue(_variant),
            Precision = PrecisionOf(result.GetValue(_precision)!),
            VaePrecision = result.GetValue(_vaePrecision) is { } vae ? PrecisionOf(vae) : null,
            Tiling = result.GetValue(_tiling),
            LowMemory = result.GetValue(_lowMemory),
            Kernels = KernelsOf(result.GetValue(_kernels)),
            Device = DeviceChoice.Of(result.GetValue(_device), backend),
            Backend = backend,
        });
    }

    public GenerateOptions Generate(ParseResult result) => new()
    {
        NegativePrompt = result.GetValue(_negative),
        PromptSyntax = PromptSyntaxNames.Parse(result.GetValue(_promptSyntax)!),
        LongPrompts = LongPromptsOf(result.GetValue(_longPrompts)!),
        Steps = result.GetValue(_steps),
        Guidance = result.GetValue(_guidance),
        GuidanceRescale = result.GetValue(_guidanceRescale),
        Seed = Seed(result).Value,
        Scheduler = result.GetValue(_scheduler) is { } name ? UsageException.Of(() => SchedulerCatalog.NameOf(name)) : null,
        Eta = result.GetValue(_eta),
        Approximation = UsageException.Of(() => Approximation.Parse(result.GetValue(_approximate) ?? [])),
        ClipSkip = result.GetValue(_clipSkip),
        Loras = [.. (result.GetValue(_loras) ?? []).Select(text => UsageException.Of(() => LoraWeight.Parse(text)))],
        LoraFolder = result.GetValue(_loraFolder),
    };

    public ControlWeighting Weighting(ParseResult result) => (result.GetResult(_guess) is not null, result.GetValue(_weighting)) switch
    {
        (true, "resolution") =>
            throw new UsageException("--guess and --weighting resolution both scale the residuals, expected one of them."),
        (true, _) => result.GetValue(_guess) == "original" ? ControlWeighting.GuessPower : ControlWeighting.GuessLogspace,
        (false, "resolution") => ControlWeighting.Resolution,
        _ => ControlWeighting.Uniform,
    };

    /// <summary>The variant of the weight files.</summary>
    public static Option<string?> VariantOption() => new("--variant")
    {
        Description = "Variant of the weight files, such as fp16; by default the plain files, or the only ones that exist.",
    };

    /// <summary>Canny's lower threshold.</summary>
    public static Option<double> LowOption() => new("--low")
    {
        Description = "Canny's lower threshold.",
        DefaultValueFactory = _ => new CannyOptions().Low,
    };

    /// <summary>Canny's upper threshold.</summary>
    public static Option<double> HighOption() => new("--high")
    {
        Description = "Canny's upper threshold.",
        DefaultValueFactory = _ => new CannyOptions().High,
    };

    /// <summary>How an image with another aspect ratio is fitted, crop by default.</summary>
    public static Option<string> FitOption()
    {
        var option = new Option<string>("--fit")
        {
            Description = "How to fit an image with another aspect ratio to the size.",
            DefaultValueFactory = _ => "crop",
        };
        option.AcceptOnlyFromAmong("crop", "fill", "resize");
        return option;
    }

    /// <summary>Parses a value of <see cref="FitOption"/>.</summary>
    public static FitMode FitOf(string name) => Enum.Parse<FitMode>(name, ignoreCase: true);

    /// <summary>What brackets in prompts mean, nothing by default.</summary>
    public static Option<string> PromptSyntaxOption()
    {
        var option = new Option<string>("--prompt-syntax")
        {
            Description = "What brackets in prompts mean. 'plain': they are text, as in diffusers. 'weighted': (word:1.2), (word) and "
                + "[word] weight words, \\( is a bracket, BREAK ends a window of 75 tokens, as in web UIs.",
            DefaultValueFactory = _ => PromptSyntaxNames.Of(new GenerateOptions().PromptSyntax),
        };
        option.AcceptOnlyFromAmong([.. PromptSyntaxNames.All]);
        return option;
    }

    /// <summary>What becomes of long prompts, windows by default.</summary>
    public static Option<string> LongPromptsOption()
    {
        var option = new Option<string>("--long-prompts")
        {
            Description = "How to encode prompts longer than the text encoder takes (75 tokens): in 'windows', so that nothing is lost, or "
                + "cut ('truncate'), as in diffusers.",
            DefaultValueFactory = _ => "windows",
        };
        option.AcceptOnlyFromAmong("windows", "truncate");
        return option;
    }

    /// <summary>Parses a value of <see cref="LongPromptsOption"/>.</summary>
    public static LongPrompts LongPromptsOf(string name) => Enum.Parse<LongPrompts>(name, ignoreCase: true);

    /// <summary>The precision of images, fp32 by default.</summary>
    public static Option<string> PrecisionOption() => PrecisionOption(
        "Data type of the networks; 'auto' is the fastest that the device has instructions for: fp16 on GPUs, bf16 on processors with "
            + "AVX-512 BF16 or AMX, otherwise fp32.",
        "auto");

    /// <summary>The precision of training, which the machine does not choose: fp32 by default.</summary>
    public static Option<string> TrainingPrecisionOption() => PrecisionOption("Data type of the networks.");

    private static Option<string> PrecisionOption(string description, params string[] more)
    {
        var option = new Option<string>("--precision") { Description = description, DefaultValueFactory = _ => "fp32" };
        option.AcceptOnlyFromAmong(["fp32", "bf16", "fp16", .. more]);
        return option;
    }

    /// <summary>The precision of the autoencoder.</summary>
    public static Option<string?> VaePrecisionOption()
    {
        var option = new Option<string?>("--vae-precision")
        {
            Description = "Data type of the autoencoder (VAE). By default fp32; with --precision auto bf16 on processors with instructions "
                + "for it.",
        };
        option.AcceptOnlyFromAmong("fp32", "bf16", "fp16", "auto");
        return option;
    }

    /// <summary>The choice of kernels, by default the environment's.</summary>
    public static Option<string?> KernelsOption()
    {
        var option = new Option<string?>("--kernels")
        {
            Description = "Kernels of libtorch on a CPU: its own choice ('plain', the default), or the fastest of several for each shape, "
                + "timed on this machine when first met and cached ('measured'), whose images differ slightly.",
        };
        option.AcceptOnlyFromAmong([.. KernelChoiceNames.All]);
        return option;
    }

    /// <summary>Parses a value of <see cref="KernelsOption"/>.</summary>
    public static KernelChoice? KernelsOf(string? name) => name is null ? null : KernelChoiceNames.Parse(name);

    /// <summary>Parses a value of <see cref="PrecisionOption()"/>.</summary>
    public static Precision PrecisionOf(string name) => name switch
    {
        "bf16" => Precision.BFloat16,
        "fp16" => Precision.Float16,
        "auto" => Precision.Auto,
        _ => Precision.Float32,
    };
}
