using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>
/// The network that turns the sinusoids of a timestep into the vector that every resnet block receives: linear, SiLU, linear.
/// LCM models add the guidance scale's embedding through <c>cond_proj</c>.
/// </summary>
internal sealed class TimestepEmbedding : Module<Tensor, Tensor?, Tensor>
{
    public readonly Linear linear_1;
    public readonly Linear? cond_proj;
    public readonly Linear linear_2;

    /// <param name="inputs">Width of the sinusoids.</param>
    /// <param name="width">Width of the result.</param>
    /// <param name="conditionWidth">Width of the time condition, or null if there is none.</param>
    public TimestepEmbedding(long inputs, long width, long? conditionWidth = null)
        : base(nameof(TimestepEmbedding))
    {
        linear_1 = new Linear(inputs, width);
        cond_proj = conditionWidth is { } condition ? new Linear(condition, inputs, hasBias: false) : null;
        linear_2 = new Linear(width, width);
        RegisterComponents();
    }

    /// <param name="sinusoids">[N, inputs].</param>
    /// <param name="condition">[N, conditionWidth] or null.</param>
    public override Tensor forward(Tensor sinusoids, Tensor? condition)
    {
        using var scope = NewDisposeScope();
        if (condition is not null && cond_proj is not null)
            sinusoids = sinusoids.Plus(cond_proj.forward(condition));
        return linear_2.forward(functional.silu(linear_1.forward(sinusoids))).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The sinusoids of timesteps: exp(−ln 10000 · i / (half − shift)) · t, cosines first when flipped (diffusers' get_timestep_embedding).
    /// </summary>
    /// <param name="timesteps">[N], may be fractional.</param>
    /// <param name="width">Length of each row of the result, [N, width].</param>
    /// <param name="flipSinToCos">Cosines before sines: true in Stable Diffusion.</param>
    /// <param name="shift">freq_shift: 0 in Stable Diffusion.</param>
    public static Tensor Sinusoids(Tensor timesteps, long width, bool flipSinToCos, double shift)
    {
        using var scope = NewDisposeScope();
        var half = width / 2;
        var exponent = tensor([.. Enumerable.Range(0, (int)half).Select(i => (float)i)], device: timesteps.device)
            .TimesInPlace(-Math.Log(10000)).OverInPlace(half - shift);
        var angles = timesteps.to(ScalarType.Float32).unsqueeze(1) * exponent.exp_().unsqueeze(0);
        var (sine, cosine) = (angles.sin(), angles.cos());
        var result = cat(flipSinToCos ? [cosine, sine] : [sine, cosine], dim: -1);
        return (width % 2 == 0 ? result : functional.pad(result, [0, 1])).MoveToOuterDisposeScope();
    }
}
