using ControlNet.ML.Conditions;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Imaging;

namespace ControlNet.ML;

/// <summary>One image from its inputs to its pixels, in the order of the architecture: text, condition, denoising, decoding.</summary>
internal sealed class GenerationJob
{
    private readonly DiffusionModel _model;
    private readonly string _prompt;
    private readonly IReadOnlyList<ControlInput> _controls;
    private readonly GenerateOptions _options;
    private readonly SchedulerConfig _scheduler;
    private readonly List<string> _warnings = [];
    private readonly int _width;
    private readonly int _height;

    public GenerationJob(DiffusionModel model, string prompt, IReadOnlyList<ControlInput> controls, GenerateOptions options)
    {
        (_model, _prompt, _controls, _options) = (model, prompt, controls, options);
        _scheduler = options.SchedulerConfig ?? (options.Scheduler is { } name ? SchedulerCatalog.Configure(model.Scheduler, name) : model.Scheduler);
        var scale = model.Folder.Autoencoder.ScaleFactor;
        _width = GenerationParts.Side(model, options.Width ?? (options.Image?.Width / scale * scale), "Width");
        _height = GenerationParts.Side(model, options.Height ?? (options.Image?.Height / scale * scale), "Height");
        model.Backend.EnsureFits(_width, _height, GenerationParts.IsGuided(model, options.Guidance) ? 2 : 1);
        GenerationParts.CheckInputs(model, options.Image?.Mask is not null, options.Image?.Depth is not null);
        if (options.Image?.MaskWarning is { } warning)
            _warnings.Add(warning);
        foreach (var control in controls)
        {
            control.Unit.Validate();
            GenerationParts.CheckFamily(model, control.Network);
        }
    }

    /// <summary>Runs the loop; text and conditions are encoded once, before the first step.</summary>
    public IEnumerable<DenoisingStep> Steps(CancellationToken cancellationToken) => Steps([(this, Row(cancellationToken))], cancellationToken);

    /// <summary>Runs the loop for several images of one model together: one size, sampler, number of steps and list of networks that matter.</summary>
    public static IEnumerable<DenoisingStep> Steps(IReadOnlyList<(GenerationJob Job, DenoisingRow Row)> pictures, CancellationToken cancellationToken)
    {
        var jobs = pictures.Select(picture => picture.Job).ToArray();
        var first = jobs[0];
        first._model.Backend.EnsureFits(first._width, first._height, jobs.Sum(job => GenerationParts.IsGuided(job._model, job._options.Guidance) ? 2 : 1));
        if (jobs.Any(job => job._options.Steps != first._options.Steps))
            throw new ArgumentException("Images that are made together have one number of steps.");
        if (jobs.Any(job => job._scheduler != first._scheduler && job._scheduler.ToJson() != first._scheduler.ToJson()))
            throw new ArgumentException("Images that are made together have one sampler.");
        if (jobs.Any(job => job._options.Image?.StrengthOrDefault != first._options.Image?.StrengthOrDefault))
            throw new ArgumentException("Images that are made together begin from images with one strength, or all from noise.");
        return new DenoisingLoop(first._model.Backend, first._model.Folder.UNet)
            .Run([.. pictures.Select(picture => picture.Row)], first._scheduler, first._options.Steps, cancellationToken);
    }

    /// <summary>What the loop needs: text and conditions are encoded, the noise is drawn.</summary>
    public DenoisingRow Row(CancellationToken cancellationToken)
    {
        // 1. text
        var guided = GenerationParts.IsGuided(_model, _options.Guidance);
        _options.Progress?.Report(new GenerationProgress("text", 0, 1));
        var text = _model.EncodeText(_prompt, _options.ClipSkip, _warnings);
        var negative = guided ? GenerationParts.Negative(_model, _options.NegativePrompt, text, _warnings) : null;
        cancellationToken.ThrowIfCancellationRequested();

        // 2. conditions, of the networks that are going to matter
        _options.Progress?.Report(new GenerationProgress("condition", 0, _controls.Count));
        var controls = _controls
            .Where(control => control.Unit.Scale != 0)
            .Select(control => new RowControl(control.Network.Backend, control.Network.Backend.EncodeCondition(Condition(control)), control.Unit))
            .ToArray();

        // 3. what denoising begins from
        var random = new TorchRandom(_options.Seed);
        var start = ImageStart.Of(_model, _options.Image, random, _options.Latents, _width, _height);
        return new DenoisingRow
        {
            Noise = start.Noise,
            Image = start.Image,
            Beside = start.Beside,
            Text = text,
            NegativeText = negative,
            Guidance = _options.Guidance,
            GuidanceRescale = _options.GuidanceRescale,
            Controls = controls,
            NoiseSource = random,
            TimeIds = TimeIds(),
            Eta = _options.Eta,
        };
    }

    /// <summary>4. denoising is the loop's; then decoding.</summary>
    public GeneratedImage Finish(TensorData latents)
    {
        _options.Progress?.Report(new GenerationProgress("decode", 0, 1));
        var pixels = _model.Decode(latents);
        var image = TensorImages.FromUnit(pixels)[0];
        _options.Progress?.Report(new GenerationProgress("decode", 1, 1));
        return new GeneratedImage(image, pixels, latents.Clone(), Provenance.Of(_model, _prompt, [.. _controls.Select(control => (control.Network.Name, control.Unit))], _options, _scheduler, _width, _height), _warnings);
    }

    private TensorData Condition(ControlInput control)
    {
        if (control.Tensor is not { } tensor)
            return ConditionImages.ToTensor(control.Condition, _width, _height);
        return tensor.Shape is [1, 3, var height, var width] && height == _height && width == _width
            ? tensor
            : throw new ArgumentException($"A condition is {tensor}, expected [1, 3, {_height}, {_width}].");
    }

    private int[]? TimeIds() => GenerationParts.TimeIds(_model, _width, _height, _options.Sizes);
}
