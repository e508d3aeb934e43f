using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Diffusion;

/// <summary>
/// The denoising loop, for every backend and model family: scale, predict, guide, step. Several images may run together; each has its own
/// scheduler, noise, guidance and controls.
/// </summary>
/// <param name="backend">The networks.</param>
/// <param name="unet">The UNet's configuration.</param>
public sealed class DenoisingLoop(IDiffusionBackend backend, UNetConfig unet)
{
    /// <summary>
    /// Runs the loop lazily: every element is the state after one step, and ending the enumeration stops the work. A row whose latents are
    /// no longer finite does not affect the others; if none is finite, the run ends early.
    /// </summary>
    /// <param name="rows">The images, all with the same latent size, number of text tokens and list of control networks.</param>
    /// <param name="scheduler">The scheduler's configuration.</param>
    /// <param name="steps">The number of steps.</param>
    /// <param name="cancellationToken">Checked before each step.</param>
    /// <returns>For each step its index and the latents of every row, [1, C, h, w], which the next step overwrites.</returns>
    /// <exception cref="ControlNetException">The scheduler cannot take this number of steps; thrown before the first one.</exception>
    public IEnumerable<DenoisingStep> Run(
        IReadOnlyList<DenoisingRow> rows, SchedulerConfig scheduler, int steps, CancellationToken cancellationToken = default)
    {
        Check(rows, scheduler, steps);
        using var run = new DenoisingRun(backend, unet, rows);
        var schedulers = rows.Select(row => CreateScheduler(scheduler, steps, row.Eta, row.Image?.Strength)).ToArray();
        var latents = rows.Select((row, i) => Start(row, schedulers[i])).ToArray();
        var guided = new float[latents[0].Count];
        var kept = new float[latents[0].Count];
        var failures = new NotFiniteException?[rows.Count];
        var count = schedulers[0].Timesteps.Count;
        for (var step = 0; step < count; step++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var pass = run.Begin(step, count);

            // 1. every row of the networks' input: the latents, scaled for the network
            for (var r = 0; r < pass.Rows.Length; r++)
                schedulers[pass.Rows[r].Image].ScaleModelInput(latents[pass.Rows[r].Image].Values, step, pass.Sample.Row(r));

            // 2. control networks and UNet
            run.Predict(schedulers[0].Timesteps[step], step, count);

            // 3. guidance, then the scheduler's step
            for (var i = 0; i < rows.Count; i++)
            {
                pass.Guide(i, guided);
                schedulers[i].Step(guided, step, latents[i].Values, rows[i].NoiseSource);
                if (rows[i].Image is { Mask: { } mask } image)
                    RestoreUnmasked(image.Latents, mask, rows[i].Noise, schedulers[i], step + 1, kept, latents[i].Values);
                failures[i] ??= NotFiniteException.Find(latents[i], "The latents", $" after step {step + 1} of {count}");
            }

            yield return new DenoisingStep(step, count, latents) { Failures = failures };
            if (!failures.Contains(null))
                yield break;
        }
    }

    /// <summary>The scheduler of an image.</summary>
    /// <param name="scheduler">Its configuration.</param>
    /// <param name="steps">Denoising steps.</param>
    /// <param name="eta">DDIM's eta, 0 to 1; only schedulers that have one take another than 0.</param>
    /// <param name="strength">The strength of image-to-image; null for an image that starts from noise.</param>
    /// <exception cref="ArgumentException">The scheduler has no eta.</exception>
    /// <exception cref="ControlNetException">The scheduler cannot take this number of steps.</exception>
    internal static Scheduler CreateScheduler(SchedulerConfig scheduler, int steps, double eta, double? strength) =>
        Scheduler.Create(scheduler, steps, new SchedulerOptions { Eta = eta == 0 ? null : eta, Strength = strength });

    /// <summary>The latents before the first step: noise, or the image with the noise of its first step.</summary>
    private static TensorData Start(DenoisingRow row, Scheduler scheduler)
    {
        var latents = row.Noise.Clone();
        if (row.Image is { BeginsFromNoise: false } image)
        {
            scheduler.AddNoise(image.Latents.Values, row.Noise.Values, 0, latents.Values);
            return latents;
        }

        var sigma = (float)scheduler.InitNoiseSigma;
        for (var i = 0; i < latents.Count; i++)
            latents.Values[i] *= sigma;
        return latents;
    }

    /// <summary>Restores the image outside the mask, with the noise of the next step, or without noise after the last.</summary>
    private static void RestoreUnmasked(
        TensorData original, TensorData mask, TensorData noise, Scheduler scheduler, int next, float[] kept, float[] latents)
    {
        if (next < scheduler.Count)
            scheduler.AddNoise(original.Values, noise.Values, next, kept);
        else
            original.Values.CopyTo(kept, 0);
        for (var i = 0; i < latents.Length; i++)
        {
            var weight = mask.Values[i % mask.Count];
            latents[i] = ((1 - weight) * kept[i]) + (weight * latents[i]);
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
            if (row.NegativeText is { } negative && negative.Tokens != row.Text.Tokens)
                throw new ArgumentException(
                    $"The negative prompt has {negative.Tokens} tokens, expected {row.Text.Tokens}, as the prompt.", nameof(rows));
            if (row.Approximation.Validate() is { } invalid)
                throw new ArgumentException(invalid, nameof(rows));
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
}

/// <summary>The state after a step.</summary>
/// <param name="Step">The step's index, from 0.</param>
/// <param name="Steps">The number of steps.</param>
/// <param name="Latents">The latents of every row, [1, C, h, w]; overwritten by the next step.</param>
public sealed record DenoisingStep(int Step, int Steps, IReadOnlyList<TensorData> Latents)
{
    /// <summary>For every row, why its latents are not finite, and since which step; null if they are finite.</summary>
    internal IReadOnlyList<NotFiniteException?> Failures { get; init; } = [];

    /// <summary>The latents of a row, [1, C, h, w], if they are finite; overwritten by the next step.</summary>
    /// <param name="row">The row's index.</param>
    /// <returns>A view of the latents.</returns>
    /// <exception cref="ControlNetException">They are not finite; the message says since which step.</exception>
    public TensorData LatentsOf(int row) => Failures.ElementAtOrDefault(row) is { } failure ? throw failure : Latents[row];
}
