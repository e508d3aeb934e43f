using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Diffusion;

/// <summary>
/// From noise to latents, for every backend and model family: scale, predict, guide, step. Several images may run together; each
/// has its own sampler, noise, guidance and control.
/// </summary>
/// <param name="backend">The networks.</param>
/// <param name="unet">The shape of the UNet.</param>
public sealed class DenoisingLoop(IDiffusionBackend backend, UNetConfig unet)
{
    /// <summary>
    /// Runs the loop lazily: every element is the state after one step, and asking for no more stops the work. A row whose latents are no
    /// numbers any more leaves the others as they are; where none has numbers the run ends early, with the step at which that came about.
    /// </summary>
    /// <param name="rows">The images: one latent size and one list of control networks for all.</param>
    /// <param name="scheduler">The sampler.</param>
    /// <param name="steps">How many steps.</param>
    /// <param name="cancellationToken">Seen before every step.</param>
    /// <returns>After each step its number and the latents of every row, [1, C, h, w], which the next step overwrites.</returns>
    /// <exception cref="ControlNetException">The sampler cannot take so many steps; before the first one.</exception>
    public IEnumerable<DenoisingStep> Run(
        IReadOnlyList<DenoisingRow> rows, SchedulerConfig scheduler, int steps, CancellationToken cancellationToken = default)
    {
        Check(rows, scheduler, steps);
        var run = new Pass(rows, unet);
        var samplers = rows.Select(row => Scheduler.Create(scheduler, steps, new SchedulerOptions { Eta = row.Eta == 0 ? null : row.Eta, Strength = row.Image?.Strength })).ToArray();
        var latents = rows.Select((row, i) => Begin(row, samplers[i])).ToArray();
        var guided = new float[latents[0].Count];
        var kept = new float[latents[0].Count];
        var failures = new NotFiniteException?[rows.Count];

        using var denoiser = backend.CreateDenoiser(run.Inputs);
        var count = samplers[0].Timesteps.Count;
        for (var step = 0; step < count; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();

            // 1. every row that the networks see: the latents as the sampler wants them
            for (var r = 0; r < run.Rows.Length; r++)
                samplers[run.Rows[r].Image].ScaleModelInput(latents[run.Rows[r].Image].Values, step, run.Sample.Row(r));

            // 2. control networks and UNet
            denoiser.Predict(run.Sample, samplers[0].Timesteps[step], run.ControlsAt(step, count), run.Prediction);

            // 3. guidance, then the sampler's step
            for (var i = 0; i < rows.Count; i++)
            {
                run.Guide(i, guided);
                samplers[i].Step(guided, step, latents[i].Values, rows[i].NoiseSource);
                if (rows[i].Image is { Mask: { } mask } image)
                    PutBack(image.Latents, mask, rows[i].Noise, samplers[i], step + 1, kept, latents[i].Values);
                failures[i] ??= NotFiniteException.Find(latents[i], "The latents", $" after step {step + 1} of {count}");
            }

            yield return new DenoisingStep(step, count, latents) { Failures = failures };
            if (!failures.Contains(null))
                yield break;
        }
    }

    /// <summary>The latents before the first step: noise, or the image with as much of it as its first step expects.</summary>
    private static TensorData Begin(DenoisingRow row, Scheduler sampler)
    {
        var latents = row.Noise.Clone();
        if (row.Image is { BeginsFromNoise: false } image)
        {
            sampler.AddNoise(image.Latents.Values, row.Noise.Values, 0, latents.Values);
            return latents;
        }

        var sigma = (float)sampler.InitNoiseSigma;
        for (var i = 0; i < latents.Count; i++)
            latents.Values[i] *= sigma;
        return latents;
    }

    /// <summary>What the mask does not cover becomes the image again, with the noise of the next step, or with none after the last.</summary>
    private static void PutBack(TensorData picture, TensorData mask, TensorData noise, Scheduler sampler, int next, float[] kept, float[] latents)
    {
        if (next < sampler.Count)
            sampler.AddNoise(picture.Values, noise.Values, next, kept);
        else
            picture.Values.CopyTo(kept, 0);
        for (var i = 0; i < latents.Length; i++)
        {
            var anew = mask.Values[i % mask.Count];
            latents[i] = ((1 - anew) * kept[i]) + (anew * latents[i]);
        }
    }

    private static void Check(IReadOnlyList<DenoisingRow> rows, SchedulerConfig scheduler, int steps)
    {
        ArgumentNullException.ThrowIfNull(rows);
        if (rows.Count == 0)
            throw new ArgumentException("No image to denoise.", nameof(rows));
        var first = rows[0];
        foreach (var row in rows)
        {
            if (!double.IsFinite(row.Guidance))
                throw new ArgumentException($"The guidance scale is {row.Guidance}, expected a finite number.", nameof(rows));
            if (!row.Noise.Shape.SequenceEqual(first.Noise.Shape))
                throw new ArgumentException($"Images of one run have one size: found {row.Noise} and {first.Noise}.", nameof(rows));
            if (first.Key(scheduler, steps).Difference(row.Key(scheduler, steps)) is { } difference)
                throw new ArgumentException($"Images of one run have {difference}.", nameof(rows));
            if (row.ExtraChannels is null != first.ExtraChannels is null)
                throw new ArgumentException("Images of one run all have extra channels for the UNet, or none has.", nameof(rows));
            if (!row.Controls.Select(c => c.Network).SequenceEqual(first.Controls.Select(c => c.Network)))
                throw new ArgumentException("Images of one run have the same control networks in the same order.", nameof(rows));
            foreach (var control in row.Controls)
            {
                if (control.Unit.Validate() is { } problem)
                    throw new ArgumentException(problem, nameof(rows));
            }
        }
    }

    /// <summary>How images become rows of the networks, and predictions of those rows images again.</summary>
    private sealed class Pass
    {
        private readonly IReadOnlyList<DenoisingRow> _images;
        private readonly double[][][] _weights;
        private readonly int[] _conditional;
        private readonly int[] _unconditional;

        public Pass(IReadOnlyList<DenoisingRow> images, UNetConfig unet)
        {
            _images = images;
            var guided = Enumerable.Range(0, images.Count).Where(i => Guidance.Rows(unet, images[i].Guidance) == 2).ToArray();
            Rows = [.. guided.Select(i => (i, false)), .. Enumerable.Range(0, images.Count).Select(i => (i, true))];
            _unconditional = [.. images.Select((_, i) => Array.IndexOf(guided, i))];
            _conditional = [.. images.Select((_, i) => guided.Length + i)];

            var shape = images[0].Noise.Shape;
            Sample = TensorData.Zeros(Rows.Length, shape[1], shape[2], shape[3]);
            Prediction = TensorData.Zeros(Rows.Length, unet.OutChannels, shape[2], shape[3]);
            var height = shape[2];
            _weights = [.. images.Select(image => image.Controls.Select(control =>
                ControlWeights.Of(control.Unit.Weighting, control.Network.Config, height, unet.TrainedSide)).ToArray())];
            Inputs = Gather(unet);
        }

        public (int Image, bool Conditional)[] Rows { get; }

        public TensorData Sample { get; }

        public TensorData Prediction { get; }

        public DenoiserInputs Inputs { get; }

        public List<ControlStep> ControlsAt(int step, int steps)
        {
            List<ControlStep> active = [];
            for (var control = 0; control < _images[0].Controls.Count; control++)
            {
                var scales = TensorData.Zeros(Rows.Length, _weights[0][control].Length);
                for (var r = 0; r < Rows.Length; r++)
                    FillScales(scales.Row(r), control, Rows[r], step, steps);
                if (scales.Values.AsSpan().ContainsAnyExcept(0f))
                    active.Add(new ControlStep(control, scales));
            }

            return active;
        }

        public void Guide(int image, Span<float> result)
        {
            var conditional = Prediction.Row(_conditional[image]);
            if (_unconditional[image] < 0)
            {
                conditional.CopyTo(result);
                return;
            }

            Guidance.Combine(Prediction.Row(_unconditional[image]), conditional, (float)_images[image].Guidance, result);
            if (_images[image].GuidanceRescale > 0)
                Guidance.Rescale(conditional, (float)_images[image].GuidanceRescale, result);
        }

        private void FillScales(Span<float> scales, int control, (int Image, bool Conditional) row, int step, int steps)
        {
            var (network, _, unit) = _images[row.Image].Controls[control];
            var conditionalOnly = unit.Weighting.ConditionalOnly() || network.Config.GlobalPoolConditions;
            if (!unit.IsActive(step, steps) || (conditionalOnly && !row.Conditional))
                return;
            var weights = _weights[row.Image][control];
            for (var i = 0; i < weights.Length; i++)
                scales[i] = (float)(weights[i] * unit.Scale);
        }

        private DenoiserInputs Gather(UNetConfig unet)
        {
            var first = _images[0];
            return new DenoiserInputs
            {
                Text = Stack(row => Text(row).Hidden),
                PooledText = first.Text.Pooled is null ? null : Stack(row => Text(row).Pooled!),
                TimeIds = first.TimeIds is null
                    ? null
                    : Stack(row => new TensorData([.. _images[row.Image].TimeIds!.Select(id => (float)id)], 1, 6)),
                GuidanceCondition = unet.TimeCondProjDim is { } width
                    ? Stack(row => new TensorData(Guidance.Embed(_images[row.Image].Guidance, width), 1, width))
                    : null,
                ExtraChannels = first.ExtraChannels is null ? null : Stack(row => _images[row.Image].ExtraChannels!),
                Controls = [.. first.Controls.Select((control, i) => (control.Network, Stack(row => _images[row.Image].Controls[i].Hint)))],
            };
        }

        private TextEmbedding Text((int Image, bool Conditional) row) =>
            row.Conditional
                ? _images[row.Image].Text
                : _images[row.Image].NegativeText ?? throw new InvalidOperationException("Guidance needs a negative prompt, which may be empty.");

        /// <summary>Rows [1, …] one above the other.</summary>
        private TensorData Stack(Func<(int Image, bool Conditional), TensorData> part)
        {
            var parts = Rows.Select(part).ToArray();
            return new TensorData([.. parts.SelectMany(p => p.Values)], [Rows.Length, .. parts[0].Shape[1..]]);
        }
    }
}

/// <summary>The state after a step.</summary>
/// <param name="Step">Which, from 0.</param>
/// <param name="Steps">How many there are.</param>
/// <param name="Latents">For every row, [1, C, h, w]; overwritten by the next step.</param>
public sealed record DenoisingStep(int Step, int Steps, IReadOnlyList<TensorData> Latents)
{
    /// <summary>For every row why its latents are no numbers, and since which step; null where they are.</summary>
    internal IReadOnlyList<NotFiniteException?> Failures { get; init; } = [];

    /// <summary>The latents of a row, [1, C, h, w], which are numbers; overwritten by the next step.</summary>
    /// <param name="row">Which.</param>
    /// <exception cref="ControlNetException">They are not finite; says since which step.</exception>
    public TensorData LatentsOf(int row) => Failures.ElementAtOrDefault(row) is { } failure ? throw failure : Latents[row];
}
