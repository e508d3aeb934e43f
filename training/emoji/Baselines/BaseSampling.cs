using ControlNet.ML.Diffusion;

namespace ControlNet.ML.EmojiTraining.Baselines;

/// <summary>The denoising loop of the baselines, from the noise and with the scheduler of the base model.</summary>
internal static class BaseSampling
{
    /// <summary>Denoises.</summary>
    /// <param name="model">The base model.</param>
    /// <param name="noise">Noise from N(0, 1), [1, C, h, w].</param>
    /// <param name="steps">Denoising steps.</param>
    /// <param name="guidance">Guidance scale.</param>
    /// <param name="predict">From the network's input, the timestep and the share of the steps that are done: both predictions.</param>
    /// <param name="stepped">Called after each step with the latents before and after it, which it may change; null for nothing.</param>
    /// <returns>The latents, [1, C, h, w].</returns>
    public static TensorData Run(
        FrozenBase model, TensorData noise, int steps, double guidance,
        Func<TensorData, double, double, (TensorData Unconditional, TensorData Conditional)> predict, Action<float[], float[]>? stepped = null)
    {
        var scheduler = model.CreateScheduler(steps);
        var latents = noise.Clone();
        for (var i = 0; i < latents.Count; i++)
            latents.Values[i] *= (float)scheduler.InitNoiseSigma;
        var (input, guided, before) = (latents.Clone(), new float[latents.Count], new float[latents.Count]);
        for (var step = 0; step < scheduler.Count; step++)
        {
            latents.Values.CopyTo(before, 0);
            scheduler.ScaleModelInput(latents.Values, step, input.Values);
            var (unconditional, conditional) = predict(input, scheduler.Timesteps[step], step / (double)scheduler.Count);
            Guidance.Combine(unconditional.Values, conditional.Values, (float)guidance, guided);
            scheduler.Step(guided, step, latents.Values);
            stepped?.Invoke(before, latents.Values);
        }

        return latents;
    }
}
