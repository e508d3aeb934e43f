using System.CommandLine;
using ControlNet.ML.Conditions;

namespace ControlNet.ML.Cli.Commands;

/// <summary><c>controlnet annotate</c>: its options. <see cref="AnnotateRun"/> does the work.</summary>
internal static class AnnotateCommand
{
    public static Command Create(Terminal terminal)
    {
        var photos = new Argument<string[]>("photo")
        {
            Description = "Input images, or folders of images.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        var kinds = new Option<string>("--as")
        {
            Description = "Conditions to make, separated by commas.",
            HelpName = "kinds",
            DefaultValueFactory = _ => "canny",
        };
        var list = new Option<bool>("--list") { Description = "List the kinds of conditions and their options; as JSON with --json." };
        var (low, high) = (ImageOptions.LowOption(), ImageOptions.HighOption());
        var aperture = new Option<int>("--aperture")
        {
            Description = "Canny's Sobel aperture: 3, 5 or 7.",
            HelpName = "pixels",
            DefaultValueFactory = _ => new CannyOptions().Aperture,
        };
        var l2 = new Option<bool>("--l2") { Description = "Canny with the L2 norm of the gradient." };
        var set = new Option<string[]>("--set")
        {
            Description = "NAME=VALUE: an option of the conditions that have one of this name, for instance threshold=64; --list explains "
                + "them. Repeatable.",
            HelpName = "name=value",
        };
        var size = new SizeOptions(
            "Resize the image to N or WIDTHxHEIGHT first; by default it keeps its size.",
            "a side that is not given follows from the aspect ratio.");
        var fit = ImageOptions.FitOption();
        var output = new Option<string?>("--output", "-o")
        {
            Description = "Output file; by default PHOTO-KIND.png. A FOLDER/ keeps the default name, and has to be one for several photos. "
                + "Several conditions append their names to it and are also written as one sheet.",
            HelpName = "file",
        };
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of file names." };
        var command = new Command("annotate", "Make conditions from images.") { photos, kinds, list, low, high, aperture, l2, set };
        foreach (var option in (Option[])[.. size.All, fit, output, json])
            command.Add(option);
        command.SetAction((result, cancellationToken) =>
        {
            if (result.GetValue(list))
            {
                ConditionList.Print(terminal, result.GetValue(json));
                return Task.FromResult(App.Success);
            }

            var chosen = result.GetValue(kinds)!
                .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                .Select(name => UsageException.Of(() => ConditionCatalog.Find(name))).ToArray();
            if (chosen.Length == 0)
                throw new UsageException("--as is empty, expected names of conditions separated by commas.");
            string[] canny =
            [
                ConditionSettings.Of("Low", result.GetValue(low)), ConditionSettings.Of("High", result.GetValue(high)),
                ConditionSettings.Of("Aperture", result.GetValue(aperture)), ConditionSettings.Of("L2Gradient", result.GetValue(l2)),
            ];
            var settings = result.GetValue(set) ?? [];
            return Task.FromResult(new AnnotateRun(terminal)
            {
                Photos = result.GetValue(photos) ?? [],
                Kinds = chosen,
                Options = ConditionSettings.For(chosen, canny, settings),
                Settings = settings,
                Size = size.Of(result),
                Fit = ImageOptions.FitOf(result.GetValue(fit)!),
                Output = result.GetValue(output),
                Json = result.GetValue(json),
            }.Run(cancellationToken));
        });
        return command;
    }
}
