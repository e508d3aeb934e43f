using System.CommandLine;
using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Commands;

/// <summary><c>controlnet annotate</c>: makes conditions from an image, without a diffusion model.</summary>
internal static class AnnotateCommand
{
    private const int SheetCell = 320;

    public static Command Create(Terminal terminal)
    {
        var photo = new Argument<string?>("photo") { Description = "Input image.", Arity = ArgumentArity.ZeroOrOne };
        var kinds = new Option<string>("--as")
        {
            Description = "Conditions to make, separated by commas.",
            DefaultValueFactory = _ => "canny",
        };
        var list = new Option<bool>("--list") { Description = "List the kinds of conditions and their options." };
        var (low, high) = (ImageOptions.LowOption(), ImageOptions.HighOption());
        var aperture = new Option<int>("--aperture")
        {
            Description = "Canny's Sobel aperture: 3, 5 or 7.",
            DefaultValueFactory = _ => new CannyOptions().Aperture,
        };
        var l2 = new Option<bool>("--l2") { Description = "Canny with the L2 norm of the gradient." };
        var set = new Option<string[]>("--set")
        {
            Description = "NAME=VALUE: an option of the conditions that have one of this name, for instance threshold=64. Repeatable.",
        };
        var size = new Option<string?>("--size")
        {
            Description = "Resize the image to N or WIDTHxHEIGHT first; by default it keeps its size."
        };
        var fit = ImageOptions.FitOption();
        var output = new Option<string?>("--output", "-o")
        {
            Description = "Output file; by default PHOTO-KIND.png. A FOLDER/ keeps the default name. "
                + "Several conditions append their names to it and are also written as one sheet.",
        };
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of file names." };
        var command = new Command("annotate", "Make conditions from an image.")
        {
            photo, kinds, list, low, high, aperture, l2, set, size, fit, output, json,
        };
        command.SetAction((result, cancellationToken) =>
        {
            if (result.GetValue(list))
            {
                List(terminal, result.GetValue(json));
                return Task.FromResult(App.Success);
            }

            string[] canny =
            [
                ConditionSettings.Of("Low", result.GetValue(low)), ConditionSettings.Of("High", result.GetValue(high)),
                ConditionSettings.Of("Aperture", result.GetValue(aperture)), ConditionSettings.Of("L2Gradient", result.GetValue(l2)),
            ];
            var file = result.GetValue(photo)
                ?? throw new UsageException("The photo argument is missing. --list lists the kinds of conditions.");
            var chosen = result.GetValue(kinds)!
                .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                .Select(ConditionCatalog.Find).ToArray();
            if (chosen.Length == 0)
                throw new UsageException("--as is empty, expected names of conditions separated by commas.");

            var options = ConditionSettings.For(chosen, canny, result.GetValue(set) ?? []);
            var wanted = result.GetValue(output);
            var targets = chosen.Select(
                kind => ImageFiles.Prepare(Name(file, wanted, kind, chosen.Length), kind.Name).Image(1, 1)).ToArray();
            var sheet = chosen.Length == 1 ? null : SheetName(file, wanted);
            InputFiles.Keep(
                [.. targets, .. sheet is null ? (string[])[] : [sheet]],
                [(file, InputFiles.Read), .. InputFiles.OfSettings(result.GetValue(set) ?? [])]);
            var (image, geometry) = Read(file, result.GetValue(size), ImageOptions.FitOf(result.GetValue(fit)!));
            List<(ConditionKind Kind, string File, ImageBuffer Image)> made = [];
            foreach (var (kind, own, target) in chosen.Zip(options, targets))
            {
                cancellationToken.ThrowIfCancellationRequested();
                made.Add((kind, target, kind.Apply(image, own)));
            }

            // All or none: if one condition fails, or on Ctrl-C, no files of the others are left.
            cancellationToken.ThrowIfCancellationRequested();
            foreach (var (_, target, condition) in made)
                ImageCodec.Save(target, condition);
            if (sheet is not null)
                ImageCodec.Save(sheet, Sheet(image, made.Select(m => m.Image)));
            if (result.GetValue(json))
            {
                Json.Print(terminal, new
                {
                    photo = file,
                    geometry,
                    conditions = made.Select(m => new { kind = m.Kind.Name, m.File, m.Image.Width, m.Image.Height }),
                    sheet,
                });
                return Task.FromResult(App.Success);
            }

            foreach (var written in made.Select(m => m.File).Append(sheet).OfType<string>())
                terminal.Result(written);
            return Task.FromResult(App.Success);
        });
        return command;
    }

    /// <summary>Thumbnails of the photo and its conditions, in a grid.</summary>
    private static ImageBuffer Sheet(ImageBuffer image, IEnumerable<ImageBuffer> conditions)
    {
        var scale = Math.Min(1.0, (double)SheetCell / Math.Max(image.Width, image.Height));
        var (width, height) = (Math.Max(1, (int)(image.Width * scale)), Math.Max(1, (int)(image.Height * scale)));
        ImageBuffer[] cells =
            [.. conditions.Prepend(image).Select(cell => Resize.Apply(Color.Rgb(cell), width, height, Interpolation.Area))];
        return ImageGrid.Compose(cells, (int)Math.Ceiling(Math.Sqrt(cells.Length)), gap: 4);
    }

    private static string SheetName(string photo, string? wanted) => wanted is null || OutputName.Folder(wanted) is not null
        ? OutputName.File(wanted, $"{Path.GetFileNameWithoutExtension(photo)}-sheet.png")
        : Path.Combine(Path.GetDirectoryName(wanted) ?? "", $"{Path.GetFileNameWithoutExtension(wanted)}-sheet{Path.GetExtension(wanted)}");

    /// <summary>The photo at the requested size, and the geometry that took it there.</summary>
    private static (ImageBuffer Image, Geometry Geometry) Read(string file, string? size, FitMode fit)
    {
        var image = SourceFile.Image(file);
        if (size is null)
            return (image, Geometry.ForImage(image.Width, image.Height, image.Width, image.Height, FitMode.Resize));
        var wanted = ImageSize.Parse(size).InMemory();
        var geometry = Geometry.ForImage(image.Width, image.Height, wanted.Width, wanted.Height, fit);
        return (ImageFit.Apply(image, geometry), geometry);
    }

    private static string Name(string photo, string? wanted, ConditionKind kind, int count)
    {
        if (wanted is null || OutputName.Folder(wanted) is not null)
            return OutputName.File(wanted, $"{Path.GetFileNameWithoutExtension(photo)}-{kind.Name}.png");
        return count == 1
            ? wanted
            : Path.Combine(
                Path.GetDirectoryName(wanted) ?? "", $"{Path.GetFileNameWithoutExtension(wanted)}-{kind.Name}{Path.GetExtension(wanted)}");
    }

    private static void List(Terminal terminal, bool json)
    {
        if (json)
        {
            Json.Print(terminal, new
            {
                conditions = ConditionCatalog.All.Select(kind => new
                {
                    kind.Name,
                    kind.Description,
                    learned = kind.IsLearned,
                    needs_file = kind.NeedsFile,
                    options = kind.Defaults?.ToString(),
                }),
            });
            return;
        }

        var width = ConditionCatalog.All.Max(kind => kind.Name.Length);
        foreach (var kind in ConditionCatalog.All)
        {
            terminal.Result($"{kind.Name.PadRight(width)}  {kind.Description}{(kind.NeedsFile ? " (needs --set model=FILE.onnx)" : "")}");
            if (kind.Defaults is { } defaults)
                terminal.Result($"{new string(' ', width)}  {defaults}");
        }
    }
}
