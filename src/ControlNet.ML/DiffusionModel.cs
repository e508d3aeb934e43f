using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Text;
using ControlNet.ML.Weights;

namespace ControlNet.ML;

/// <summary>A locked base model: text encoder, UNet, autoencoder, tokenizer and sampler. One image at a time; not thread-safe.</summary>
public sealed class DiffusionModel : IDisposable
{
    private readonly ClipTokenizer[] _tokenizers;

    private DiffusionModel(
        string name, ModelFolder folder, LoadOptions options, ClipTokenizer[] tokenizers, SchedulerConfig scheduler, IDiffusionBackend backend)
    {
        Name = name;
        Options = options;
        Folder = folder;
        _tokenizers = tokenizers;
        Scheduler = scheduler;
        Backend = backend;
        Reference = new(() => WeightReference.Of(this));
    }

    /// <summary>The name it was loaded by.</summary>
    public string Name { get; }

    /// <summary>Its folder and configurations.</summary>
    public ModelFolder Folder { get; }

    /// <summary>The sampler that the model's folder names.</summary>
    public SchedulerConfig Scheduler { get; }

    /// <summary>The networks behind the seam.</summary>
    public IDiffusionBackend Backend { get; }

    /// <summary>The side in pixels that the model was trained with, 512 for Stable Diffusion 1.</summary>
    public int NativeSize => (Folder.UNet.SampleSize ?? ControlWeights.PaperSide) * Folder.Autoencoder.ScaleFactor;

    /// <summary>How many tokens the text encoder takes, start, end and padding included.</summary>
    internal int TextTokens => Folder.TextEncoder.MaxPositionEmbeddings;

    /// <summary>How it was loaded.</summary>
    internal LoadOptions Options { get; }

    /// <summary>What a saved component remembers of it.</summary>
    internal Lazy<WeightReference> Reference { get; }

    /// <summary>Held by the components while they use it, since it does one thing at a time.</summary>
    internal Lock Gate { get; } = new();

    /// <summary>Whether its networks are gone.</summary>
    internal bool IsDisposed { get; private set; }

    /// <summary>Loads a model.</summary>
    /// <param name="nameOrPath">The name of an embedded model (<c>emoji</c>), or a folder in diffusers' layout.</param>
    /// <param name="options">Precision, device, variant of the files.</param>
    /// <param name="cancellationToken">Stops the loading.</param>
    /// <exception cref="ControlNetException">There is no such model, its files are not sound, or there is no runtime.</exception>
    public static DiffusionModel Load(string nameOrPath, LoadOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(nameOrPath);
        options ??= new LoadOptions();
        var folder = ModelFolder.Open(ModelNames.FindModel(nameOrPath), options.Variant, options.Parts);

        var tokenizers = options.Parts.HasFlag(ModelParts.TextEncoder) ? folder.ReadTokenizers() : [];
        var scheduler = folder.ReadScheduler();
        var backend = (options.Backend ?? Backends.Find()).Open(folder, options, cancellationToken);
        return new DiffusionModel(nameOrPath, folder, options, tokenizers, scheduler, backend);
    }

    /// <summary>Makes one image.</summary>
    /// <param name="prompt">What it should show; may be empty.</param>
    /// <param name="options">Steps, guidance, seed, size and so on.</param>
    /// <param name="cancellationToken">Seen before every step.</param>
    public GeneratedImage Generate(string prompt, GenerateOptions? options = null, CancellationToken cancellationToken = default) =>
        Generate(prompt, [], options, cancellationToken);

    /// <summary>Makes one image under control.</summary>
    /// <param name="prompt">What it should show; may be empty.</param>
    /// <param name="controls">One or several control networks with their conditions.</param>
    /// <param name="options">Steps, guidance, seed, size and so on.</param>
    /// <param name="cancellationToken">Seen before every step.</param>
    /// <exception cref="ArgumentException">A value is outside its range, or the size is no multiple of the autoencoder's factor.</exception>
    /// <exception cref="ControlNetException">A control network is of another family than the model.</exception>
    public GeneratedImage Generate(
        string prompt, IReadOnlyList<ControlInput> controls, GenerateOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new GenerateOptions();
        var job = Prepare(prompt, controls, options);
        DenoisingStep? last = null;
        foreach (var step in job.Steps(cancellationToken))
            last = Report(options, step);
        return job.Finish(last!.LatentsOf(0));
    }

    /// <summary>Makes several images together, which is faster than one by one where the device is not busy with one.</summary>
    /// <param name="requests">
    /// The images: one size, sampler and number of steps for all, and the same control networks, of which those with scale 0 are left out.
    /// The first one's progress is told.
    /// </param>
    /// <param name="cancellationToken">Seen before every step.</param>
    /// <returns>The images, in the order of the requests. An image is the same whatever it is made together with, up to rounding.</returns>
    /// <exception cref="ArgumentException">There is none, a value is outside its range, or they cannot be made together.</exception>
    /// <exception cref="ControlNetException">A control network is of another family than the model.</exception>
    public IReadOnlyList<GeneratedImage> GenerateBatch(IReadOnlyList<GenerateRequest> requests, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(requests);
        if (requests.Count == 0)
            throw new ArgumentException("No image to make.", nameof(requests));
        var jobs = requests.Select(request => Prepare(request.Prompt, request.Controls, request.Options)).ToArray();
        DenoisingStep? last = null;
        foreach (var step in GenerationJob.Steps([.. jobs.Select(job => (job, job.Row(cancellationToken)))], cancellationToken))
            last = Report(requests[0].Options, step);
        return [.. jobs.Select((job, i) => job.Finish(last!.LatentsOf(i)))];
    }

    /// <summary>
    /// <see cref="GenerateBatch"/> where one image's failure is its own: what cannot be prepared is left out of the batch, what comes to no
    /// number fails alone and leaves the numbers of the others as they are.
    /// </summary>
    /// <param name="requests">The images, as for <see cref="GenerateBatch"/>.</param>
    /// <param name="cancellationToken">Seen before every step.</param>
    /// <returns>For each request the image, or what <see cref="GenerateResult.IsOwn"/>.</returns>
    internal IReadOnlyList<GenerateResult> GenerateEach(IReadOnlyList<GenerateRequest> requests, CancellationToken cancellationToken)
    {
        var outcomes = new GenerateResult?[requests.Count];
        List<(int Index, GenerationJob Job, DenoisingRow Row)> prepared = [];
        for (var i = 0; i < requests.Count; i++)
        {
            Attempt(i, () =>
            {
                var job = Prepare(requests[i].Prompt, requests[i].Controls, requests[i].Options);
                prepared.Add((i, job, job.Row(cancellationToken)));
            });
        }

        try
        {
            DenoisingStep? last = null;
            foreach (var step in prepared.Count == 0 ? [] : GenerationJob.Steps([.. prepared.Select(one => (one.Job, one.Row))], cancellationToken))
                last = Report(requests[prepared[0].Index].Options, step);
            for (var k = 0; k < prepared.Count; k++)
                Attempt(prepared[k].Index, () => outcomes[prepared[k].Index] = new GenerateResult(prepared[k].Job.Finish(last!.LatentsOf(k)), null));
        }
        catch (Exception error) when (GenerateResult.IsOwn(error) && prepared.Count == 1)
        {
            outcomes[prepared[0].Index] = new GenerateResult(null, error);
        }
        catch (Exception error) when (GenerateResult.IsOwn(error))
        {
            // One of them spoils it for all, or all are too many: each by itself shows which.
            foreach (var (index, _, _) in prepared)
                outcomes[index] = GenerateEach([requests[index]], cancellationToken)[0];
        }

        return outcomes!;

        void Attempt(int index, Action work)
        {
            try
            {
                work();
            }
            catch (Exception error) when (GenerateResult.IsOwn(error))
            {
                outcomes[index] = new GenerateResult(null, error);
            }
        }
    }

    /// <summary>Makes one image and shows it on the way: every element is a step, decoded only when asked.</summary>
    /// <param name="prompt">What it should show; may be empty.</param>
    /// <param name="controls">Control networks with their conditions; may be empty.</param>
    /// <param name="options">Steps, guidance, seed, size and so on.</param>
    /// <param name="cancellationToken">Seen before every step.</param>
    public async IAsyncEnumerable<GenerationStep> GenerateSteps(
        string prompt,
        IReadOnlyList<ControlInput> controls,
        GenerateOptions? options = null,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        options ??= new GenerateOptions();
        var job = await Task.Run(() => Prepare(prompt, controls, options), cancellationToken).ConfigureAwait(false);
        using var steps = job.Steps(cancellationToken).GetEnumerator();
        while (await Task.Run(steps.MoveNext, cancellationToken).ConfigureAwait(false))
        {
            var step = Report(options, steps.Current);
            yield return new GenerationStep(step.Step, step.Steps, step.LatentsOf(0), job.Finish);
        }
    }

    /// <summary>Encodes a prompt.</summary>
    /// <param name="prompt">The text; what the encoder has no room for is cut.</param>
    /// <param name="clipSkip">How many of the last layers to leave out, or null.</param>
    /// <param name="warnings">Receives a line that names what was cut, if anything was.</param>
    public TextEmbedding EncodeText(string prompt, int? clipSkip = null, ICollection<string>? warnings = null)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        if (_tokenizers.Length == 0)
            throw new InvalidOperationException($"{Name} was loaded without its text encoder ({nameof(LoadOptions)}.{nameof(LoadOptions.Parts)}).");
        var tokenized = _tokenizers.Select(tokenizer => tokenizer.Tokenize(prompt)).ToArray();
        if (tokenized[0].Truncated is { } cut)
        {
            warnings?.Add(
                $"The prompt is longer than the {_tokenizers[0].MaxLength - 2} tokens that the text encoder takes; left out: {Message.Name(cut.Trim())}.");
        }

        var text = Backend.EncodeText([.. tokenized.Select(t => t.Ids)], clipSkip);
        NotFiniteException.Check(text.Hidden, "The encoded prompt");
        return text;
    }

    /// <summary>Encodes an image: the mean of the posterior.</summary>
    /// <param name="image">[1, 3, H, W], from -1 to 1; H and W multiples of the autoencoder's factor.</param>
    /// <returns>[1, C, h, w], scaled as the sampler has them.</returns>
    public TensorData Encode(TensorData image)
    {
        ArgumentNullException.ThrowIfNull(image);
        var config = Folder.Autoencoder;
        var latents = Backend.EncodeImage(image).Mean;
        for (var i = 0; i < latents.Count; i++)
            latents.Values[i] = (float)((latents.Values[i] - (config.ShiftFactor ?? 0)) * config.ScalingFactor);
        return latents;
    }

    /// <summary>Decodes latents to values from 0 to 1.</summary>
    /// <param name="latents">[1, C, h, w], scaled as the sampler leaves them.</param>
    /// <returns>[1, 3, H, W].</returns>
    public TensorData Decode(TensorData latents)
    {
        ArgumentNullException.ThrowIfNull(latents);
        var config = Folder.Autoencoder;
        var unscaled = latents.Clone();
        for (var i = 0; i < unscaled.Count; i++)
            unscaled.Values[i] = (float)((unscaled.Values[i] / config.ScalingFactor) + (config.ShiftFactor ?? 0));
        var picture = Backend.DecodeImage(unscaled);
        for (var i = 0; i < picture.Count; i++)
            picture.Values[i] = Math.Clamp((picture.Values[i] / 2) + 0.5f, 0, 1);
        return picture;
    }

    /// <summary>
    /// Frees the networks. Waits for what is being computed, at most a step of denoising; calls that are not finished, and later ones, throw
    /// <see cref="ObjectDisposedException"/>.
    /// </summary>
    public void Dispose()
    {
        IsDisposed = true;
        Backend.Dispose();
    }

    private GenerationJob Prepare(string prompt, IReadOnlyList<ControlInput> controls, GenerateOptions options)
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        ArgumentNullException.ThrowIfNull(prompt);
        ArgumentNullException.ThrowIfNull(controls);
        options.Validate();
        return new GenerationJob(this, prompt, controls, options);
    }

    private static DenoisingStep Report(GenerateOptions options, DenoisingStep step)
    {
        options.Progress?.Report(new GenerationProgress("denoise", step.Step + 1, step.Steps));
        return step;
    }
}

/// <summary>One step on the way to an image.</summary>
/// <param name="Step">Which, from 0.</param>
/// <param name="Steps">How many there are.</param>
/// <param name="Latents">The latents, [1, C, h, w]; overwritten by the next step.</param>
/// <param name="Decode">Decodes them: the preview, and after the last step the image.</param>
public sealed record GenerationStep(int Step, int Steps, TensorData Latents, Func<TensorData, GeneratedImage> Decode)
{
    /// <summary>The image as it stands.</summary>
    public GeneratedImage Image() => Decode(Latents);
}
