using System.CommandLine;

namespace ControlNet.ML.Cli.Commands;

/// <summary><c>controlnet generate</c>: its options. <see cref="GenerateRun"/> does the work.</summary>
internal static class GenerateCommand
{
    public static Command Create(Terminal terminal)
    {
        var prompt = new Argument<string>("prompt") { Description = "Prompt that describes the image; may be empty (\"\")." };
        var photos = new Option<string[]>("--photo")
        {
            Description = "Image from which --preprocess makes the condition. Repeatable, one for each --control.",
        };
        var conditions = new Option<string[]>("--condition")
        {
            Description = "Ready-made condition, instead of --photo. Repeatable, one for each --control.",
        };
        var image = new Option<string?>("--image") { Description = "Image to start from instead of pure noise (image-to-image)." };
        var strength = new Option<double?>("--strength")
        {
            Description = "How much to transform the --image, 0 to 1; by default 0.8, and 1 with a --mask.",
        };
        var mask = new Option<string?>("--mask")
        {
            Description = "Inpainting mask: white parts of the --image are repainted; black and transparent parts are kept.",
        };
        var depth = new Option<string?>("--depth")
        {
            Description = "Depth map of the --image (16-bit PNG, .npy or grey image; near is bright), for depth-to-image models.",
        };
        var count = new Option<int>("--count")
        {
            Description = "Number of images, with consecutive seeds; several are also written as a grid.",
            DefaultValueFactory = _ => 1,
        };
        var output = new Option<string?>("--output", "-o")
        {
            Description = "Output file (.png, .jpg or .webp; only a .png records how it was made), overwritten if it exists; "
                + "by default a new name made from the prompt. A FOLDER/ keeps the default name.",
        };
        var show = new Option<bool>("--show-condition")
        {
            Description = "Also write photo, condition and result side by side, as NAME-condition.",
        };
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of file names." };

        var command = new Command("generate", "Generate images from a prompt, optionally guided by conditions.")
        {
            prompt, photos, conditions, image, strength, mask, depth,
        };
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
            Seed = options.Seed(result),
            Output = result.GetValue(output),
            ShowCondition = result.GetValue(show),
            Json = result.GetValue(json),
            Weighting = options.Weighting(result),
            Load = options.Load(result),
            Embeddings = options.Embeddings(result),
            Options = options.Generate(result),
        }.RunAsync(cancellationToken));
        return command;
    }
}
