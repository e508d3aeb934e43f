using System.Diagnostics;
using ControlNet.ML.Adapters;
using ControlNet.ML.Cli.Doctor;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Imaging;
using ControlNet.ML.Pipelines;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Cli.Commands;

/// <summary>One call of <c>generate</c>: checks the arguments, loads the networks, generates the images and writes them.</summary>
internal sealed class GenerateRun(Terminal terminal)
{
    private const int MostImages = 1000;
    private const string GridSuffix = "grid", ConditionSuffix = "condition";

    public required string Prompt { get; init; }

    public required string[] Photos { get; init; }

    public required string[] Conditions { get; init; }

    public required StartImage? Start { get; init; }

    public required string[] Controls { get; init; }

    public required string? Preprocess { get; init; }

    public required string[] Canny { get; init; }

    public required string[] Settings { get; init; }

    public required FitMode Fit { get; init; }

    public required string Model { get; init; }

    public required int Count { get; init; }

    public required SizeRequest? Size { get; init; }

    public required SeedChoice Seed { get; init; }

    public required string? Output { get; init; }

    public required bool ShowCondition { get; init; }

    public required bool Json { get; init; }

    public required ControlWeighting Weighting { get; init; }

    public required LoadOptions Load { get; init; }

    public required GenerateOptions Options { get; init; }

    public required EmbeddingArgument[] Embeddings { get; init; }

    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        // 1. everything that can be checked without loading a model, before any work
        var sources = Check();
        await HubDownloads.RunAsync(terminal, Model, Controls, Options.Loras, Embeddings, Load, cancellationToken).ConfigureAwait(false);
        var folder = ModelFolder.Open(ModelNames.FindModel(Model, Load, cancellationToken), Load);
        DeviceChoice.Check(Load, folder);

        // libtorch takes as long to load as everything else before the first step, which meanwhile goes on.
        using var libtorch = BackendChoice.UsesTorch(Load, folder) ? new LibtorchLoading() : null;
        var controls = sources.Length == 0
            ? []
            : ControlChoice.Networks(
                Model, folder, Controls, sources.Length, Photos.Length > 0, Preprocess, BackendChoice.ForControls(Load, folder));
        var request = LoraTags.Apply(new GenerateRequest(Prompt, [], Options));
        var loras = request.Options.Loras;
        new LoraLibrary(Model, folder, Load).Resolve(loras);
        var files = ImageFiles.Prepare(Output, request.Prompt);
        InputFiles.Keep(
            [
                .. Enumerable.Range(1, Count).Select(number => files.Image(number, Count)),
                .. Count > 1 ? (string[])[files.Companion(GridSuffix)] : [],
                .. ShowCondition && sources.Length > 0 ? (string[])[files.Companion(ConditionSuffix)] : [],
            ],
            [
                .. sources.Select(source => ((string?)source, "the image that the condition comes from")),
                .. new[] { Start?.Image, Start?.Mask, Start?.Depth }.Select(
                    file => (file, "the image to start from, its mask or its depth map")),
                .. controls.Select(control => ((string?)control.Name, "the control network")),
                .. loras.Select(lora => ((string?)lora.Name, "the LoRA")),
                .. Embeddings.Select(embedding => ((string?)embedding.File, "the textual inversion")),
                .. InputFiles.OfSettings(Settings),
            ]);
        var size = ImageSize.For(folder, Size);
        var conditions = Conditions.Length > 0 || sources.Length == 0
            ? [.. sources.Select(source => ConditionSource.FromMap(source, size, Fit))]
            : FromPhotos(sources, controls, size);

        var start = Start?.Read(size, Fit);
        InputRules.CheckRanges(Options with { Image = start });
        ModelRequirements.CheckInputs(Model, folder, start?.Mask is not null, start?.Depth is not null);
        InputRules.CheckModel(folder, Options with { Image = start });
        Seed.Report(terminal);

        // 2. the work
        List<Made> made = [];
        var load = TimeSpan.Zero;
        await ProgressDisplay.RunAsync(terminal, show =>
        {
            if (BackendChoice.UsesTorch(Load, folder))
                RuntimeCheck.Once(terminal, show, cancellationToken);
            var clock = Stopwatch.StartNew();
            using var model = DiffusionModel.Load(Model, folder, Loading(show, "loading model"), cancellationToken);
            EmbeddingArgument.Load(model, Embeddings);
            using var networks = new Disposables<ControlNetwork>();
            foreach (var name in controls.Select(c => c.Name).Distinct())
                networks.Add(name, ControlNetwork.Load(
                    name, BackendChoice.ForControls(Loading(show, $"loading {name}"), folder), cancellationToken));
            load = clock.Elapsed;
            for (var i = 0; i < Count; i++)
                made.Add(Make(model, networks, controls, conditions, start, size, files, i, show, cancellationToken));
        }).ConfigureAwait(false);

        // 3. the grid, the strip with the conditions, and the report
        var grid = Count > 1 ? Grid(files, made) : null;
        var strip = ShowCondition && conditions.Length > 0 ? Strip(files, made, conditions) : null;
        Report(made, grid, strip, load);
        return App.Success;
    }

    private string[] Check()
    {
        InputRules.CheckRanges(Options);
        if (Count is < 1 or > MostImages)
            throw new UsageException($"--count is {Count}, expected 1 to {MostImages:N0}.");
        if (Photos.Length > 0 && Conditions.Length > 0)
            throw new UsageException(InputRules.OneSource("--photo", "--condition"));
        InputRules.CheckSettings(Settings.Length, Photos.Length > 0, "--photo");
        InputRules.CheckControls(Controls.Length, Photos.Length + Conditions.Length > 0, "--photo or --condition");
        string[] sources = Photos.Length > 0 ? Photos : Conditions;
        if (Controls.Length > 1 && sources.Length == 1)
            sources = [.. Enumerable.Repeat(sources[0], Controls.Length)];
        var networks = Math.Max(Controls.Length, 1);
        return sources.Length == 0 || sources.Length == networks
            ? sources
            : throw new UsageException(
                $"Found {sources.Length} images for {networks} control networks, expected one image for all of them or one for each.");
    }

    private ConditionSource[] FromPhotos(string[] photos, ControlArgument[] controls, ImageSize size)
    {
        var kinds = controls.Select(control => ControlChoice.Kind(control.Name, Preprocess)).ToArray();
        for (var i = 0; i < kinds.Length; i++)
            ControlChoice.RequireAnnotatorFile(controls[i].Name, kinds[i], Settings, "--photo", "--condition");
        var options = ConditionSettings.For(kinds, Canny, Settings);
        return [.. photos.Select((photo, i) => ConditionSource.FromPhoto(photo, kinds[i], options[i], size, Fit))];
    }

    private LoadOptions Loading(Action<string, double, double> show, string title) =>
        Load with { Preload = true, Progress = new DirectProgress<double>(done => show(title, done, 1)) };

    private Made Make(
        DiffusionModel model, Disposables<ControlNetwork> networks, ControlArgument[] controls, ConditionSource[] conditions,
        ImageInput? start, ImageSize size, ImageFiles files, int index, Action<string, double, double> show,
        CancellationToken cancellationToken)
    {
        var title = Count == 1 ? "denoising" : $"image {index + 1} of {Count}";
        Dictionary<string, TimeSpan> stages = [];
        var (clock, stage) = (Stopwatch.StartNew(), "text");
        var image = model.Generate(
            Prompt,
            [.. controls.Zip(
                conditions,
                (control, condition) => condition.For(networks[control.Name], control.Unit(Weighting)))],
            Options with
            {
                Seed = unchecked(Options.Seed + (ulong)index),
                Image = start,
                Width = size.Width,
                Height = size.Height,
                Progress = new DirectProgress<GenerationProgress>(Track),
            },
            cancellationToken);
        stages[stage] = stages.GetValueOrDefault(stage) + clock.Elapsed;

        var provenance = new Dictionary<string, string>(image.Provenance);
        foreach (var (key, value) in Start?.Provenance(Fit) ?? [])
            provenance[key] = value;
        for (var i = 0; i < conditions.Length; i++)
        {
            foreach (var (key, value) in conditions[i].Provenance)
                provenance[$"control_{i + 1}_{key}"] = value;
        }

        var file = files.Image(index + 1, Count);
        ImageCodec.Save(file, image.Image, Path.GetExtension(file).Equals(".png", StringComparison.OrdinalIgnoreCase) ? provenance : null);
        return new Made(file, image, provenance, stages);

        void Track(GenerationProgress progress)
        {
            if (progress.Stage != stage)
            {
                stages[stage] = stages.GetValueOrDefault(stage) + clock.Elapsed;
                (clock, stage) = (Stopwatch.StartNew(), progress.Stage);
            }

            if (progress.Stage == "denoise")
                show(title, progress.Done, progress.Total);
        }
    }

    private string Grid(ImageFiles files, List<Made> made)
    {
        var file = files.Companion(GridSuffix);
        ImageCodec.Save(file, ImageGrid.Compose([.. made.Select(m => m.Image.Image)], (int)Math.Ceiling(Math.Sqrt(Count)), gap: 4));
        return file;
    }

    /// <summary>A row for each network: photo, condition, and all results.</summary>
    private static string Strip(ImageFiles files, List<Made> made, ConditionSource[] conditions)
    {
        var rows = conditions.Select(condition => (ImageBuffer[])
        [
            .. condition.Photo is { } photo ? [photo] : Array.Empty<ImageBuffer>(),
            Color.Rgb(condition.Condition),
            .. made.Select(m => m.Image.Image),
        ]).ToArray();
        var file = files.Companion(ConditionSuffix);
        ImageCodec.Save(file, ImageGrid.Compose([.. rows.SelectMany(row => row.Select(Color.Rgb))], rows[0].Length, gap: 4));
        return file;
    }

    private void Report(List<Made> made, string? grid, string? strip, TimeSpan load)
    {
        string[] warnings = [.. made.SelectMany(m => m.Image.Warnings).Distinct()];
        foreach (var warning in warnings)
            terminal.Warn(warning);
        if (Json)
        {
            Cli.Json.Print(terminal, new
            {
                pictures = made.Select(m => new
                {
                    m.File,
                    seed = ulong.Parse(m.Provenance["seed"], System.Globalization.CultureInfo.InvariantCulture),
                    seconds = m.Stages.ToDictionary(s => s.Key, s => Math.Round(s.Value.TotalSeconds, 3)),
                    m.Provenance,
                }),
                grid,
                conditions = strip,
                load_seconds = Math.Round(load.TotalSeconds, 3),
                warnings,
            });
            return;
        }

        foreach (var file in made.Select(m => m.File).Append(grid).Append(strip).OfType<string>())
            terminal.Result(file);
    }

    private sealed record Made(
        string File, GeneratedImage Image, Dictionary<string, string> Provenance, Dictionary<string, TimeSpan> Stages);
}
