using System.CommandLine;

namespace ControlNet.ML.Cli.Commands;

/// <summary><c>controlnet generate</c>: what can be said on the command line. What is then done is in <see cref="GenerateRun"/>.</summary>
internal static class GenerateCommand
{
    public static Command Create(Terminal terminal)
    {
        var prompt = new Argument<string>("prompt") { Description = "What the image should show; may be empty (\"\")." };
        var photos = new Option<string[]>("--photo") { Description = "An image whose edges (or what --preprocess says) become the condition. Repeatable, one for each --control." };
        var conditions = new Option<string[]>("--condition") { Description = "A ready-made condition, in place of --photo." };
        var image = new Option<string?>("--image") { Description = "An image to begin from in place of noise alone." };
        var strength = new Option<double?>("--strength") { Description = "How much of the --image is made anew, 0 to 1; by default 0.8, and 1 with a --mask." };
        var mask = new Option<string?>("--mask") { Description = "Which part of the --image is made anew: white; black and transparent parts stay." };
        var depth = new Option<string?>("--depth") { Description = "The depths of the --image (16-bit PNG, .npy, or grey, light being near), for models that take them." };
        var count = new Option<int>("--count") { Description = "How many images, with seeds one after the other; several also come as a grid.", DefaultValueFactory = _ => 1 };
        var output = new Option<string?>("--output", "-o") { Description = "The file to write (.png, .jpg, .webp; only a .png says how it was made), replaced if it is there; by default a new name made of the prompt, in a FOLDER/ if that is named." };
        var show = new Option<bool>("--show-condition") { Description = "Also write photo, condition and result side by side, as NAME-condition." };
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of file names." };

        var command = new Command("generate", "Make images from a prompt, steered by conditions if you like.") { prompt, photos, conditions, image, strength, mask, depth };
        var options = new ImageOptions(command, "Seed of the noise; the same seed gives the same image.", count);
        foreach (var option in (Option[])[output, show, json])
            command.Add(option);
        command.SetAction((result, cancellationToken) => new GenerateRun(terminal)
        {
            Prompt = result.GetValue(prompt)!,
            Photos = result.GetValue(photos) ?? [],
            Conditions = result.GetValue(conditions) ?? [],
            Start = StartImage.Of(result.GetValue(image), result.GetValue(strength), result.GetValue(mask), result.GetValue(depth)),
            Controls = options.Controls(result),
            Preprocess = options.Preprocess(result),
            Canny = options.Canny(result),
            Settings = options.Settings(result),
            Fit = options.Fit(result),
            Model = options.Model(result),
            Count = result.GetValue(count),
            Size = options.Size(result),
            Output = result.GetValue(output),
            ShowCondition = result.GetValue(show),
            Json = result.GetValue(json),
            Weighting = options.Weighting(result),
            Load = options.Load(result),
            Options = options.Generate(result),
        }.RunAsync(cancellationToken));
        return command;
    }
}
