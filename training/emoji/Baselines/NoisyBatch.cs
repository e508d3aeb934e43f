using ControlNet.ML.Diffusion;
using ControlNet.ML.Torch;
using static TorchSharp.torch;

namespace ControlNet.ML.EmojiTraining.Baselines;

/// <summary>Random rows with noise at random timesteps.</summary>
/// <param name="Rows">Their numbers.</param>
/// <param name="Timesteps">One each.</param>
/// <param name="Noisy">x_t, [N, C, h, w].</param>
/// <param name="Target">What the base model should predict, [N, C, h, w].</param>
internal sealed record NoisyBatch(int[] Rows, int[] Timesteps, Tensor Noisy, Tensor Target)
{
    /// <summary>Draws a batch, in the current dispose scope.</summary>
    public static NoisyBatch Draw(FrozenBase model, BaseScenes scenes, int size, TorchRandom random)
    {
        int[] rows = [.. Enumerable.Range(0, size).Select(_ => (int)random.NextInt64(scenes.Count))];
        int[] timesteps = [.. rows.Select(_ => (int)random.NextInt64(model.Objective.Timesteps))];
        var latents = Stack(rows.Select(scenes.Latents));
        var values = new float[latents.numel()];
        random.FillNormal(values);
        var noise = new TensorData(values, [.. latents.shape.Select(side => (int)side)]).ToTorch(ScalarType.Float32, CPU);
        return new NoisyBatch(rows, timesteps, model.Objective.Noisy(latents, noise, timesteps), model.Objective.Target(latents, noise, timesteps));
    }

    /// <summary>The timesteps, [N], float32.</summary>
    public Tensor Times() => tensor([.. Timesteps.Select(t => (float)t)]);

    /// <summary>Concatenates [1, …] to [N, …].</summary>
    public static Tensor Stack(IEnumerable<TensorData> parts) => cat([.. parts.Select(part => part.ToTorch(ScalarType.Float32, CPU))]);
}
