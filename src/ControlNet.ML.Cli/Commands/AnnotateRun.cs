using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Commands;

/// <summary>One call of <c>annotate</c>: finds the photos, checks the names of all files, and makes the conditions.</summary>
internal sealed class AnnotateRun(Terminal terminal)
{
    private const int SheetCell = 320;

    public required string[] Photos { get; init; }

    public required ConditionKind[] Kinds { get; init; }

    /// <summary>The options of <see cref="Kinds"/>.</summary>
    public required object?[] Options { get; init; }

    public required string[] Settings { get; init; }

    public required SizeRequest? Size { get; init; }

    public required FitMode Fit { get; init; }

    public required string? Output { get; init; }

    public required bool Json { get; init; }

    public int Run(CancellationToken cancellationToken)
    {
        // 1. the names of all files, before any work
        if (Photos.Length == 0)
            throw new UsageException("The photo argument is missing. --list lists the kinds of conditions.");
        var plans = Plan(PhotoFiles.Find(Photos));

        // 2. photo by photo; of several, one that fails does not stop the others
        using var preprocessors = new Disposables<IPreprocessor>();
        foreach (var (kind, options) in Kinds.Zip(Options))
            preprocessors.Add(kind.Name, kind.Open(options));
        List<Annotated> made = [];
        List<Failure> failures = [];
        foreach (var plan in plans)
        {
            try
            {
                made.Add(Make(plan, preprocessors, cancellationToken));
            }
            catch (ControlNetException e) when (plans.Length > 1)
            {
                failures.Add(new Failure(plan.Photo, e.Message));
                terminal.Fail(e.Message.StartsWith(plan.Photo, StringComparison.Ordinal) ? e.Message : $"{plan.Photo}: {e.Message}");
            }

            if (!Json && made.Count > 0 && made[^1].Plan == plan)
                Print(plan);
        }

        // 3. the report
        if (Json)
            Cli.Json.Print(terminal, new { photos = made.Select(Document), failures });
        return failures.Count == 0 ? App.Success : made.Count == 0 ? App.Failed : App.SomeFailed;
    }

    private PhotoPlan[] Plan(IReadOnlyList<string> photos)
    {
        if (photos.Count > 1 && Output is not null && OutputName.Folder(Output) is null)
            throw new UsageException(
                $"--output is {Message.Name(Output)} for {photos.Count:N0} photos, expected a folder: {Message.Name(Output + "/")}.");
        PhotoPlan[] plans = [.. photos.Select(photo => new PhotoPlan(
            photo,
            [.. Kinds.Select(kind => ImageFiles.Prepare(Name(photo, kind), kind.Name).Image(1, 1))],
            Kinds.Length == 1 ? null : SheetName(photo)))];
        var twice = plans.SelectMany(plan => plan.Files.Select(file => (plan.Photo, File: file)))
            .GroupBy(each => each.File).FirstOrDefault(group => group.Count() > 1)?.ToArray();
        if (twice is [var first, var second, ..])
            throw new UsageException(first.Photo == second.Photo
                ? $"{Message.Name(first.File)} would be written twice: expected each kind of --as, and each photo, once."
                : $"{first.Photo} and {second.Photo} would both become {Message.Name(first.File)}: annotate them into different folders.");
        InputFiles.Keep(
            plans.SelectMany(plan => plan.Files),
            [.. photos.Select(photo => ((string?)photo, InputFiles.Read)), .. InputFiles.OfSettings(Settings)]);
        return plans;
    }

    /// <summary>Makes the conditions of a photo, all or none: of those of a photo that fails, or on Ctrl-C, no files are left.</summary>
    private Annotated Make(PhotoPlan plan, Disposables<IPreprocessor> preprocessors, CancellationToken cancellationToken)
    {
        var (image, geometry) = Read(plan.Photo);
        List<ImageBuffer> conditions = [];
        foreach (var kind in Kinds)
        {
            cancellationToken.ThrowIfCancellationRequested();
            conditions.Add(preprocessors[kind.Name].Apply(image));
        }

        cancellationToken.ThrowIfCancellationRequested();
        foreach (var (file, condition) in plan.Conditions.Zip(conditions))
            ImageCodec.Save(file, condition);
        if (plan.Sheet is { } sheet)
            ImageCodec.Save(sheet, Sheet(image, conditions));
        return new Annotated(plan, geometry, [.. conditions.Select(condition => new ImageSize(condition.Width, condition.Height))]);
    }

    /// <summary>The photo at the requested size, and the geometry that took it there.</summary>
    private (ImageBuffer Image, Geometry Geometry) Read(string file)
    {
        var image = SourceFile.Image(file);
        if (Size is null)
            return (image, Geometry.ForImage(image.Width, image.Height, image.Width, image.Height, FitMode.Resize));
        var wanted = Size.For(image.Width, image.Height);
        var geometry = Geometry.ForImage(image.Width, image.Height, wanted.Width, wanted.Height, Fit);
        return (ImageFit.Apply(image, geometry), geometry);
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

    private string SheetName(string photo) => Output is null || OutputName.Folder(Output) is not null
        ? OutputName.File(Output, $"{Path.GetFileNameWithoutExtension(photo)}-sheet.png")
        : Suffixed(Output, "sheet");

    private string Name(string photo, ConditionKind kind)
    {
        if (Output is null || OutputName.Folder(Output) is not null)
            return OutputName.File(Output, $"{Path.GetFileNameWithoutExtension(photo)}-{kind.Name}.png");
        return Kinds.Length == 1 ? Output : Suffixed(Output, kind.Name);
    }

    private static string Suffixed(string file, string suffix) => Path.Combine(
        Path.GetDirectoryName(file) ?? "", $"{Path.GetFileNameWithoutExtension(file)}-{suffix}{Path.GetExtension(file)}");

    private void Print(PhotoPlan plan)
    {
        foreach (var file in plan.Files)
            terminal.Result(file);
    }

    private object Document(Annotated made) => new
    {
        made.Plan.Photo,
        made.Geometry,
        conditions = Kinds.Zip(made.Plan.Conditions, made.Sizes)
            .Select(each => new { kind = each.First.Name, file = each.Second, each.Third.Width, each.Third.Height }),
        made.Plan.Sheet,
    };

    /// <summary>The files of a photo.</summary>
    private sealed record PhotoPlan(string Photo, string[] Conditions, string? Sheet)
    {
        public IEnumerable<string> Files => Sheet is null ? Conditions : [.. Conditions, Sheet];
    }

    private sealed record Annotated(PhotoPlan Plan, Geometry Geometry, ImageSize[] Sizes);

    private sealed record Failure(string Photo, string Error);
}
