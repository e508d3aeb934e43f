using System.CommandLine;
using ControlNet.ML.Conditions;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Commands;

/// <summary><c>controlnet generate</c>: what can be said on the command line. What is then done is in <see cref="GenerateRun"/>.</summary>
internal static class GenerateCommand
{
    public static Command Create(Terminal terminal)
    {
        var prompt = new Argument<string>("prompt") { Description = "What the picture should show; may be empty (\"\")." };
        var photos = new Option<string[]>("--photo") { Description = "A picture whose edges (or what --preprocess says) become the condition. Repeatable, one for each --control." };
        var conditions = new Option<string[]>("--condition") { Description = "A ready-made condition, in place of --photo." };
        var controls = new Option<string[]>("--control")
        {
            Description = "NAME[:SCALE[:START-END]]: a control network (embedded name, folder or .safetensors file), its scale and its window of the steps (0 to 1). Repeatable.",
        };
        var preprocess = new Option<string?>("--preprocess") { Description = "How conditions are made of photos; by default what the network's name says. 'annotate --list' lists the kinds." };
        var low = new Option<double>("--low") { Description = "Canny's lower threshold.", DefaultValueFactory = _ => new CannyOptions().Low };
        var high = new Option<double>("--high") { Description = "Canny's upper threshold.", DefaultValueFactory = _ => new CannyOptions().High };
        var set = new Option<string[]>("--set") { Description = "NAME=VALUE: an option of the preprocessor, for instance threshold=64 for scribble. Repeatable." };
        var fit = new Option<string>("--fit") { Description = "How a photo of another shape is brought to the picture's size.", DefaultValueFactory = _ => "crop" };
        fit.AcceptOnlyFromAmong("crop", "fill", "resize");
        var model = new Option<string>("--model") { Description = "The base model: an embedded name or a folder in diffusers' layout.", DefaultValueFactory = _ => "emoji" };
        var steps = new Option<int>("--steps") { Description = "Denoising steps, 1 to 1,000.", DefaultValueFactory = _ => new GenerateOptions().Steps };
        var guidance = new Option<double>("--guidance") { Description = "Classifier-free guidance scale; 1 is none.", DefaultValueFactory = _ => new GenerateOptions().Guidance };
        var seed = new Option<ulong>("--seed") { Description = "Seed of the noise; the same seed gives the same picture.", DefaultValueFactory = _ => 0UL };
        var count = new Option<int>("--count") { Description = "How many pictures, with seeds one after the other; several also come as a grid.", DefaultValueFactory = _ => 1 };
        var scheduler = new Option<string?>("--scheduler") { Description = $"Sampler, by default the model's own: {string.Join(", ", SchedulerCatalog.Names)}." };
        var negative = new Option<string?>("--negative") { Description = "What the picture should not show." };
        var guess = new Option<string?>("--guess")
        {
            Description = "Guess mode, in which control works without a prompt; by the formula of 'diffusers' (default) or of the 'original' code.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        guess.AcceptOnlyFromAmong("diffusers", "original");
        var weighting = new Option<string>("--weighting")
        {
            Description = "Weights of the residuals: 'uniform', or 'resolution' for the paper's classifier-free guidance resolution weighting.",
            DefaultValueFactory = _ => "uniform",
        };
        weighting.AcceptOnlyFromAmong("uniform", "resolution");
        var size = new Option<string?>("--size") { Description = "N or WIDTHxHEIGHT in pixels, multiples of 8; by default what the model was trained with." };
        var precision = new Option<string>("--precision") { Description = "Numbers the networks compute in.", DefaultValueFactory = _ => "fp32" };
        precision.AcceptOnlyFromAmong("fp32", "bf16", "fp16");
        var device = new Option<string?>("--device") { Description = "cpu, cuda or cuda:N; by default a GPU where there is one." };
        var output = new Option<string?>("--output", "-o") { Description = "The file to write (.png, .jpg, .webp; only a .png says how it was made), replaced if it is there; by default a new name made of the prompt." };
        var show = new Option<bool>("--show-condition") { Description = "Also write photo, condition and result side by side, as NAME-condition." };
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of file names." };

        var command = new Command("generate", "Make pictures from a prompt, steered by conditions if you like.")
        {
            prompt, photos, conditions, controls, preprocess, low, high, set, fit, model, steps, guidance, seed, count, scheduler, negative, guess, weighting,
            size, precision, device, output, show, json,
        };
        command.SetAction((result, cancellationToken) => new GenerateRun(terminal)
        {
            Prompt = result.GetValue(prompt)!,
            Photos = result.GetValue(photos) ?? [],
            Conditions = result.GetValue(conditions) ?? [],
            Controls = result.GetValue(controls) ?? [],
            Preprocess = result.GetValue(preprocess),
            Canny = [ConditionSettings.Of("Low", result.GetValue(low)), ConditionSettings.Of("High", result.GetValue(high))],
            Settings = result.GetValue(set) ?? [],
            Fit = Enum.Parse<FitMode>(result.GetValue(fit)!, ignoreCase: true),
            Model = result.GetValue(model)!,
            Count = result.GetValue(count),
            Size = result.GetValue(size) is { } text ? PictureSize.Parse(text) : null,
            Output = result.GetValue(output),
            ShowCondition = result.GetValue(show),
            Json = result.GetValue(json),
            Weighting = Weighting(result.GetResult(guess) is not null, result.GetValue(guess), result.GetValue(weighting)!),
            Load = new LoadOptions { Precision = PrecisionOf(result.GetValue(precision)!), Device = result.GetValue(device) },
            Options = new GenerateOptions
            {
                NegativePrompt = result.GetValue(negative),
                Steps = result.GetValue(steps),
                Guidance = result.GetValue(guidance),
                Seed = result.GetValue(seed),
                Scheduler = result.GetValue(scheduler),
            },
        }.RunAsync(cancellationToken));
        return command;
    }

    internal static Precision PrecisionOf(string name) => name switch
    {
        "bf16" => Precision.BFloat16,
        "fp16" => Precision.Float16,
        _ => Precision.Float32,
    };

    private static ControlWeighting Weighting(bool guess, string? formula, string weighting) => (guess, weighting) switch
    {
        (true, "resolution") => throw new UsageException("--guess and --weighting resolution weight the same residuals: choose one of them."),
        (true, _) => formula == "original" ? ControlWeighting.GuessPower : ControlWeighting.GuessLogspace,
        (false, "resolution") => ControlWeighting.Resolution,
        _ => ControlWeighting.Uniform,
    };
}
