using ControlNet.ML.Adapters;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Pipelines;

/// <summary>
/// Generates images from requests, in the order of the paper's Figure 3: <see cref="Prepare"/> encodes prompts and conditions and prepares
/// the latents, <see cref="Denoise"/> runs the denoising loop, <see cref="DecodeLatents"/> decodes the images. Every way to generate an
/// image goes through here. Callers hold the model's gate.
/// </summary>
/// <param name="model">The model.</param>
internal sealed class GenerationPipeline(DiffusionModel model)
{
    /// <summary>
    /// Generates images, in batches where <see cref="BatchPlanner"/> allows it. A request that fails does not affect the others.
    /// </summary>
    /// <param name="requests">The requests. The first one of each batch reports the batch's progress.</param>
    /// <param name="stepping">Called before each request and after each denoising step; may throw to stop.</param>
    /// <param name="cancellationToken">Checked before each request and each denoising step.</param>
    /// <returns>A result for each request.</returns>
    public IReadOnlyList<GenerateResult<GeneratedImage>> Run(
        IReadOnlyList<GenerateRequest> requests, Action? stepping = null, CancellationToken cancellationToken = default)
    {
        var prompts = new PromptEncoder(model);
        var prepared = requests.Select(request => GenerateResult.Of(() => Prepare(request, prompts, stepping, cancellationToken)))
            .ToArray();
        var latents = new Queue<GenerateResult<TensorData>>(
            Denoise([.. prepared.Select(result => result.Value?.Denoising).OfType<DenoisingRequest>()], stepping, cancellationToken));
        return [.. prepared.Select(result => result.Value is { } image
            ? latents.Dequeue().Then(image.Decode)
            : new GenerateResult<GeneratedImage>(null, result.Failure))];
    }

    /// <summary>Generates images in one batch, all or none.</summary>
    /// <param name="requests">The requests. The first one reports the progress.</param>
    /// <param name="cancellationToken">Checked before each request and each denoising step.</param>
    /// <exception cref="ArgumentException">They cannot be generated together, or a value is outside its range.</exception>
    public IReadOnlyList<GeneratedImage> RunTogether(IReadOnlyList<GenerateRequest> requests, CancellationToken cancellationToken)
    {
        var prompts = new PromptEncoder(model);
        var prepared = requests.Select(request => Prepare(request, prompts, stepping: null, cancellationToken)).ToArray();
        var first = prepared[0].Denoising.Key;

        // Prompts of different lengths are no reason to refuse: those of one length run together.
        if (prepared.Select(image => first.Difference(image.Denoising.Key with { Tokens = first.Tokens }))
            .FirstOrDefault(difference => difference is not null) is { } problem)
            throw new ArgumentException($"Images that are generated together must have {problem}.", nameof(requests));
        var latents = Denoise([.. prepared.Select(image => image.Denoising)], stepping: null, cancellationToken);
        return [.. prepared.Zip(latents, (image, result) => image.Decode(result.ValueOrThrow()))];
    }

    /// <summary>Encodes prompts and conditions, and prepares the latents.</summary>
    /// <param name="request">The request.</param>
    /// <param name="prompts">Encodes each text of a batch once.</param>
    /// <param name="stepping">Called before any work; may throw to stop.</param>
    /// <param name="cancellationToken">Checked between the stages.</param>
    /// <exception cref="ArgumentException">A value is outside its range, or a tensor's size differs from the image's.</exception>
    /// <exception cref="ControlNetException">
    /// The model, networks and inputs do not fit each other, or the image does not fit into memory.
    /// </exception>
    public PreparedImage Prepare(
        GenerateRequest request, PromptEncoder prompts, Action? stepping = null, CancellationToken cancellationToken = default)
    {
        stepping?.Invoke();
        cancellationToken.ThrowIfCancellationRequested();
        var asked = request with { Options = request.Options.For(model.Folder.Generation) };
        request = LoraTags.Apply(asked);
        var settings = ImageSettings.Of(model, request);
        model.Backend.Read(ModelParts.TextEncoder, cancellationToken);
        var (text, negative) = EncodePrompts(request, settings, prompts);
        cancellationToken.ThrowIfCancellationRequested();
        var controls = EncodeConditions(request, settings);
        return new PreparedImage(
            Request(request.Options, settings, text, negative, controls), latents => DecodeLatents(asked, settings, latents));
    }

    /// <summary>Prepares the latents of an image whose prompts and conditions are encoded.</summary>
    /// <param name="options">Steps, guidance scale, seed, initial image; in their ranges.</param>
    /// <param name="settings">Size and scheduler.</param>
    /// <param name="text">The encoded prompt.</param>
    /// <param name="negative">The encoded negative prompt; required if guidance is enabled.</param>
    /// <param name="controls">The control networks that are run.</param>
    public DenoisingRequest Request(
        GenerateOptions options, ImageSettings settings, TextEmbedding text, TextEmbedding? negative, IReadOnlyList<RowControl> controls)
    {
        var random = new TorchRandom(options.Seed);
        var latents = PrepareLatents.For(model, options.Image, random, options.Latents, settings.Width, settings.Height);
        var row = new DenoisingRow
        {
            Noise = latents.Noise,
            Image = latents.Image,
            ExtraChannels = latents.ExtraChannels,
            Text = text,
            NegativeText = negative,
            Guidance = options.GuidanceScale,
            GuidanceRescale = options.GuidanceRescale,
            Controls = controls,
            NoiseSource = random,
            TimeIds = TimeIds(model, settings.Width, settings.Height, options.Sizes),
            Eta = options.Eta,
            Approximation = options.Approximation,
        };
        return new DenoisingRequest(row, settings.Scheduler, options.StepCount)
        {
            Random = random,
            Progress = options.Progress,
            Loras = settings.Loras,
        };
    }

    /// <summary>
    /// Denoises, one batch of <see cref="BatchPlanner"/> after the other. A batch that fails is retried row by row, to find the row that
    /// failed.
    /// </summary>
    /// <param name="requests">The requests to denoise.</param>
    /// <param name="stepping">Called after each step; may throw to stop.</param>
    /// <param name="cancellationToken">Checked before each step.</param>
    /// <returns>Latents [1, C, h, w] for each request.</returns>
    public GenerateResult<TensorData>[] Denoise(
        IReadOnlyList<DenoisingRequest> requests, Action? stepping, CancellationToken cancellationToken)
    {
        var results = new GenerateResult<TensorData>[requests.Count];
        foreach (var batch in BatchPlanner.Plan(requests.Index(), item => item.Item.Key))
            Run([.. batch.Select(item => item.Index)]);
        return results;

        void Run(int[] batch)
        {
            var steps = GenerateResult.Of(() =>
            {
                DenoisingStep? last = null;
                foreach (var step in Steps([.. batch.Select(index => requests[index])], cancellationToken))
                {
                    last = step;
                    stepping?.Invoke();
                }

                return last!;
            });
            for (var i = 0; i < batch.Length; i++)
            {
                if (steps.Value is null && batch.Length > 1)
                    Run([batch[i]]);
                else
                    results[batch[i]] = steps.Then(last => last.LatentsOf(i).Clone());
            }
        }
    }

    /// <summary>Runs the denoising loop for requests that can be denoised together, lazily.</summary>
    /// <exception cref="ControlNetException">
    /// They do not fit into memory together, or the scheduler cannot take this number of steps.
    /// </exception>
    public IEnumerable<DenoisingStep> Steps(IReadOnlyList<DenoisingRequest> batch, CancellationToken cancellationToken)
    {
        var first = batch[0];
        var scale = model.Folder.Autoencoder.ScaleFactor;
        model.Backend.EnsureFits(
            first.Row.Noise.Shape[3] * scale,
            first.Row.Noise.Shape[2] * scale,
            batch.Sum(request => Guidance.Rows(model.Folder.UNet, request.Row.Guidance)));
        model.Backend.Read(ModelParts.UNet, cancellationToken);
        var loop = new DenoisingLoop(model.Backend, model.Folder.UNet);
        using var steps = loop.Run(DenoisingRequest.RowsOf(batch), first.Scheduler, first.Steps, cancellationToken).GetEnumerator();
        while (Next())
        {
            var step = steps.Current;
            first.Progress?.Report(new GenerationProgress("denoise", step.Step + 1, step.Steps));
            yield return step;
        }

        // Between two steps, others may have used the model with their LoRAs.
        bool Next()
        {
            model.Backend.SetLoras(ModelParts.UNet, first.Loras);
            return steps.MoveNext();
        }
    }

    /// <summary>SDXL's size conditioning; null for other families.</summary>
    /// <param name="model">The model.</param>
    /// <param name="width">Width of the image in pixels.</param>
    /// <param name="height">Height of the image in pixels.</param>
    /// <param name="sizes">The requested sizes; null uses the image's own size, uncropped.</param>
    public static int[]? TimeIds(DiffusionModel model, int width, int height, SizeConditioning? sizes)
    {
        if (model.Folder.UNet.AdditionEmbedType is null)
            return null;
        sizes ??= new SizeConditioning(height, width, 0, 0, height, width);
        return [sizes.OriginalHeight, sizes.OriginalWidth, sizes.CropTop, sizes.CropLeft, sizes.TargetHeight, sizes.TargetWidth];
    }

    private (TextEmbedding Text, TextEmbedding? Negative) EncodePrompts(
        GenerateRequest request, ImageSettings settings, PromptEncoder prompts)
    {
        request.Options.Progress?.Report(new GenerationProgress("text", 0, 1));
        var (options, reading) = (request.Options, request.Options.Reading);
        return Guidance.Rows(model.Folder.UNet, options.GuidanceScale) == 1
            ? (prompts.Encode(request.Prompt, options.ClipSkip, reading, settings.Warnings, settings.Loras), null)
            : prompts.EncodeBoth(request.Prompt, options.NegativePrompt, options.ClipSkip, reading, settings.Warnings, settings.Loras);
    }

    private static RowControl[] EncodeConditions(GenerateRequest request, ImageSettings settings)
    {
        request.Options.Progress?.Report(new GenerationProgress("condition", 0, request.Controls.Count));
        var controls = request.Controls.Where(control => control.Unit.TakesPart).ToList();
        settings.Warnings.AddRange(controls.Select(control => control.SizeWarning(settings.Width, settings.Height)).OfType<string>());
        return
        [
            .. controls
                .Select(control => new RowControl(control.Network.Backend, control.Encode(settings.Width, settings.Height), control.Unit)),
        ];
    }

    private GeneratedImage DecodeLatents(GenerateRequest request, ImageSettings settings, TensorData latents)
    {
        var options = request.Options;
        options.Progress?.Report(new GenerationProgress("decode", 0, 1));
        var pixels = model.Decode(latents);
        var image = TensorImages.FromUnit(pixels)[0];
        options.Progress?.Report(new GenerationProgress("decode", 1, 1));
        var provenance = Provenance.Of(
            model,
            request.Prompt,
            [.. request.Controls.Select(control => (control.Network, control.Unit))],
            options,
            settings.Scheduler,
            settings.Width,
            settings.Height,
            settings.Loras);
        return new GeneratedImage(image, pixels, latents.Clone(), provenance, settings.Warnings);
    }
}

/// <summary>A request that is ready to be denoised.</summary>
/// <param name="Denoising">The input of the denoising loop.</param>
/// <param name="Decode">Decodes the image from the final latents, or a preview from those of any step.</param>
internal sealed record PreparedImage(DenoisingRequest Denoising, Func<TensorData, GeneratedImage> Decode);
