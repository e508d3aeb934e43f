using System.CommandLine;
using ControlNet.ML.Conditions;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Commands;

/// <summary>The options that every command has that makes images: their names, and what they say.</summary>
internal sealed class ImageOptions
{
    private readonly Option<string[]> _controls = new("--control")
    {
        Description = "NAME[:SCALE[:START-END]]: a control network (one of the model's own by its name, MODEL/NAME of an embedded one, folder or .safetensors file), its scale and its window of the steps (0 to 1). Repeatable. By default the one that the model brings; of several that for --preprocess, or for edges, where a photo is given.",
    };

    private readonly Option<string?> _preprocess = new("--preprocess") { Description = "How conditions are made of photos; by default what the network's name says. 'annotate --list' lists the kinds." };
    private readonly Option<double> _low = new("--low") { Description = "Canny's lower threshold.", DefaultValueFactory = _ => new CannyOptions().Low };
    private readonly Option<double> _high = new("--high") { Description = "Canny's upper threshold.", DefaultValueFactory = _ => new CannyOptions().High };
    private readonly Option<string[]> _set = new("--set") { Description = "NAME=VALUE: an option of the preprocessor, for instance threshold=64 for scribble. Repeatable." };
    private readonly Option<string> _fit = new("--fit") { Description = "How a photo of another shape is brought to the image's size.", DefaultValueFactory = _ => "crop" };
    private readonly Option<string> _model = new("--model") { Description = "The base model: an embedded name or a folder in diffusers' layout.", DefaultValueFactory = _ => "emoji" };
    private readonly Option<int> _steps = new("--steps") { Description = "Denoising steps, 1 to 1,000.", DefaultValueFactory = _ => new GenerateOptions().Steps };
    private readonly Option<double> _guidance = new("--guidance") { Description = "Classifier-free guidance scale; 1 is none.", DefaultValueFactory = _ => new GenerateOptions().Guidance };
    private readonly Option<ulong> _seed;
    private readonly Option<string?> _scheduler = new("--scheduler") { Description = $"Sampler, by default the model's own: {string.Join(", ", SchedulerCatalog.Names)}." };
    private readonly Option<string?> _negative = new("--negative") { Description = "What the image should not show." };
    private readonly Option<string?> _guess = new("--guess")
    {
        Description = "Guess mode, in which control works without a prompt; by the formula of 'diffusers' (default) or of the 'original' code.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string> _weighting = new("--weighting")
    {
        Description = "Weights of the residuals: 'uniform', or 'resolution' for the paper's classifier-free guidance resolution weighting.",
        DefaultValueFactory = _ => "uniform",
    };

    private readonly Option<string?> _size = new("--size") { Description = "N or WIDTHxHEIGHT in pixels, multiples of 8; by default what the model was trained with." };
    private readonly Option<string> _precision = PrecisionOption();
    private readonly Option<string?> _device = DeviceOption();

    /// <summary>Adds them to a command, in the order in which its help lists them.</summary>
    /// <param name="command">The command.</param>
    /// <param name="seed">What the seed means there.</param>
    /// <param name="afterSeed">The command's own, after the seed.</param>
    public ImageOptions(Command command, string seed, params ReadOnlySpan<Option> afterSeed)
    {
        _fit.AcceptOnlyFromAmong("crop", "fill", "resize");
        _guess.AcceptOnlyFromAmong("diffusers", "original");
        _weighting.AcceptOnlyFromAmong("uniform", "resolution");
        _seed = SeedOption(seed, 0);
        foreach (var option in (Option[])
            [_controls, _preprocess, _low, _high, _set, _fit, _model, _steps, _guidance, _seed, .. afterSeed, _scheduler, _negative, _guess, _weighting, _size, _precision, _device])
        {
            command.Add(option);
        }
    }

    public string[] Controls(ParseResult result) => result.GetValue(_controls) ?? [];

    public string? Preprocess(ParseResult result) => result.GetValue(_preprocess);

    /// <summary>The settings that have options of their own, for the kinds of conditions that know them.</summary>
    public string[] Canny(ParseResult result) => [ConditionSettings.Of("Low", result.GetValue(_low)), ConditionSettings.Of("High", result.GetValue(_high))];

    public string[] Settings(ParseResult result) => result.GetValue(_set) ?? [];

    public FitMode Fit(ParseResult result) => Enum.Parse<FitMode>(result.GetValue(_fit)!, ignoreCase: true);

    public string Model(ParseResult result) => result.GetValue(_model)!;

    public ImageSize? Size(ParseResult result) => result.GetValue(_size) is { } text ? ImageSize.Parse(text) : null;

    public LoadOptions Load(ParseResult result) => new() { Precision = PrecisionOf(result.GetValue(_precision)!), Device = result.GetValue(_device) };

    public GenerateOptions Generate(ParseResult result) => new()
    {
        NegativePrompt = result.GetValue(_negative),
        Steps = result.GetValue(_steps),
        Guidance = result.GetValue(_guidance),
        Seed = result.GetValue(_seed),
        Scheduler = result.GetValue(_scheduler),
    };

    public ControlWeighting Weighting(ParseResult result) => (result.GetResult(_guess) is not null, result.GetValue(_weighting)) switch
    {
        (true, "resolution") => throw new UsageException("--guess and --weighting resolution weight the same residuals: choose one of them."),
        (true, _) => result.GetValue(_guess) == "original" ? ControlWeighting.GuessPower : ControlWeighting.GuessLogspace,
        (false, "resolution") => ControlWeighting.Resolution,
        _ => ControlWeighting.Uniform,
    };

    /// <summary>A seed: what <see cref="SeedNumber"/> takes.</summary>
    /// <param name="description">What it is the seed of.</param>
    /// <param name="otherwise">The seed where none is given.</param>
    public static Option<ulong> SeedOption(string description, ulong otherwise) => new("--seed")
    {
        Description = description,
        DefaultValueFactory = _ => otherwise,
        CustomParser = result =>
        {
            if (SeedNumber.Parse(result.Tokens[0].Value) is { } seed)
                return seed;
            result.AddError($"--seed is {Message.Name(result.Tokens[0].Value)}, expected {SeedNumber.Expected}.");
            return 0;
        },
    };

    /// <summary>The numbers, fp32 by default.</summary>
    public static Option<string> PrecisionOption()
    {
        var option = new Option<string>("--precision") { Description = "Numbers the networks compute in.", DefaultValueFactory = _ => "fp32" };
        option.AcceptOnlyFromAmong("fp32", "bf16", "fp16");
        return option;
    }

    /// <summary>The device, found if not said.</summary>
    public static Option<string?> DeviceOption() => new("--device") { Description = "cpu, cuda or cuda:N; by default a GPU where there is one." };

    /// <summary>What a name of <see cref="PrecisionOption"/> means.</summary>
    public static Precision PrecisionOf(string name) => name switch
    {
        "bf16" => Precision.BFloat16,
        "fp16" => Precision.Float16,
        _ => Precision.Float32,
    };
}
