using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Components;

/// <summary>Denoises the rows of a batch, those together that can be: of one size and one number of steps.</summary>
internal sealed class RowDenoiser
{
    private readonly DiffusionModel _model;
    private readonly ControlNetwork[] _networks;
    private readonly DenoiseComponentOptions _options;
    private readonly SchedulerConfig _scheduler;
    private readonly int? _seed;
    private readonly int? _steps;
    private readonly int? _guidance;

    /// <summary>Checks that everything fits together.</summary>
    /// <param name="model">The model.</param>
    /// <param name="controls">The control networks.</param>
    /// <param name="options">The settings.</param>
    /// <param name="inputs">Gets the columns to read.</param>
    /// <param name="masks">Whether rows begin from images with masks.</param>
    /// <param name="depths">Whether they begin from images with depths.</param>
    /// <exception cref="ControlNetException">A network is of another family, a setting is out of its range, or the sampler is unknown.</exception>
    public RowDenoiser(DiffusionModel model, IReadOnlyList<ControlColumn> controls, DenoiseComponentOptions options, InputColumns inputs, bool masks = false, bool depths = false)
    {
        (_model, _options, _networks) = (model, options, [.. controls.Select(control => control.Network)]);
        options.Validate();
        GenerationParts.CheckInputs(model, masks, depths);
        foreach (var control in controls)
        {
            GenerationParts.CheckFamily(model, control.Network);
            Wishes.Check(control.Unit.Validate);
        }

        var scheduler = model.Scheduler;
        Wishes.Check(() => scheduler = options.Scheduler is { } name ? SchedulerCatalog.Configure(model.Scheduler, name) : model.Scheduler);
        _scheduler = scheduler;
        (Width, Height) = (Wishes.Side(model, options.Width, "Width"), Wishes.Side(model, options.Height, "Height"));
        _seed = inputs.Add(options.SeedColumn, InputColumn.Number);
        _steps = inputs.Add(options.StepsColumn, InputColumn.Number);
        _guidance = inputs.Add(options.GuidanceColumn, InputColumn.Number);
    }

    /// <summary>Columns of the images in pixels, where the row does not say.</summary>
    public int Width { get; }

    /// <summary>Rows of the images in pixels, where the row does not say.</summary>
    public int Height { get; }

    /// <summary>The sampler.</summary>
    public SchedulerConfig Scheduler => _scheduler;

    /// <summary>Reads what a row asks for.</summary>
    /// <param name="batch">The rows.</param>
    /// <param name="row">Which.</param>
    /// <param name="width">Columns of its image in pixels.</param>
    /// <param name="height">Rows of its image in pixels.</param>
    /// <param name="text">Gives its texts, and whether the negative one is needed.</param>
    /// <param name="controls">Its controls.</param>
    /// <param name="image">The image that it begins from, or null.</param>
    /// <exception cref="ControlNetException">A value is out of its range.</exception>
    public DenoisingImage Read(
        RowBatch batch, int row, int width, int height, Func<bool, (TextEmbedding Text, TextEmbedding? Negative)> text, RowControl[] controls, ImageInput? image = null)
    {
        var steps = _steps is { } stepsColumn ? Wishes.Whole(batch, stepsColumn, row, 1, GenerateOptions.MaxSteps) : _options.Steps;
        var guidance = _guidance is { } guidanceColumn ? Wishes.Number(batch, guidanceColumn, row) : _options.Guidance;
        if (!double.IsFinite(guidance))
            throw new ControlNetException($"Guidance is {guidance}, expected a finite number.");
        Wishes.Check(() => Diffusion.Schedulers.Scheduler.Create(_scheduler, steps, new SchedulerOptions { Strength = image?.StrengthOrDefault }));
        var seed = _seed is { } seedColumn ? Wishes.Seed(batch, seedColumn, row) : _options.Seed;
        var random = new TorchRandom(seed);
        var (positive, negative) = text(GenerationParts.IsGuided(_model, guidance));
        var start = ImageStart.Of(_model, image, random, given: null, width, height);
        return new DenoisingImage(row, steps, seed, new DenoisingRow
        {
            Noise = start.Noise,
            Image = start.Image,
            Beside = start.Beside,
            Text = positive,
            NegativeText = negative,
            Guidance = guidance,
            GuidanceRescale = _options.GuidanceRescale,
            Controls = controls,
            NoiseSource = random,
            TimeIds = GenerationParts.TimeIds(_model, width, height),
            Eta = _options.Eta,
        });
    }

    /// <summary>Makes the latents of some rows. What cannot be made fails its row alone.</summary>
    /// <param name="batch">The rows of which they are.</param>
    /// <param name="pictures">The rows.</param>
    /// <param name="stepping">Called in every step; may throw to stop.</param>
    /// <param name="use">Gets each row and its latents, [1, C, h, w], group by group.</param>
    public void Run(RowBatch batch, IEnumerable<DenoisingImage> pictures, Action stepping, Action<int, TensorData> use)
    {
        foreach (var network in _networks)
            ObjectDisposedException.ThrowIf(network.IsDisposed, network);
        foreach (var group in pictures.GroupBy(picture => (picture.Steps, picture.Row.Image?.Strength, picture.Row.Noise.Shape[2], picture.Row.Noise.Shape[3])))
            RunTogether(batch, [.. group], stepping, use);
    }

    private void RunTogether(RowBatch batch, DenoisingImage[] group, Action stepping, Action<int, TensorData> use)
    {
        DenoisingStep? last = null;
        try
        {
            var (noise, scale) = (group[0].Row.Noise, _model.Folder.Autoencoder.ScaleFactor);
            _model.Backend.EnsureFits(noise.Shape[3] * scale, noise.Shape[2] * scale, group.Sum(picture => picture.Row.NegativeText is null ? 1 : 2));
            foreach (var step in new DenoisingLoop(_model.Backend, _model.Folder.UNet).Run(
                [.. group.Select(picture => picture.Row)], _scheduler, group[0].Steps, _options.CancellationToken))
            {
                stepping();
                last = step;
            }
        }
        catch (Exception error) when (GenerateResult.IsOwn(error) && group.Length == 1)
        {
            batch.Fail(group[0].Index, error);
            return;
        }
        catch (Exception error) when (GenerateResult.IsOwn(error))
        {
            // All together are too many: each by itself shows which cannot be made.
            foreach (var picture in group)
                RunTogether(batch, [picture], stepping, use);
            return;
        }

        for (var i = 0; i < group.Length; i++)
        {
            var (index, row) = (group[i].Index, i);
            batch.Attempt(index, () => use(index, last!.LatentsOf(row)));
        }
    }
}

/// <summary>A row that is ready to be denoised.</summary>
/// <param name="Index">Its place in the batch.</param>
/// <param name="Steps">How many steps it takes.</param>
/// <param name="Seed">Of its noise.</param>
/// <param name="Row">All else.</param>
internal sealed record DenoisingImage(int Index, int Steps, ulong Seed, DenoisingRow Row);
