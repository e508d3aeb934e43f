namespace ControlNet.ML.Torch.Training;

/// <summary>How the learning rate goes over the steps.</summary>
public enum LearningRateScheduler
{
    /// <summary>The same all along, after the warm-up: the paper's.</summary>
    Constant,

    /// <summary>Down to zero along half a cosine, after the warm-up.</summary>
    Cosine,
}

/// <summary>Learning rates as diffusers' <c>get_scheduler</c> gives them.</summary>
internal static class LearningRate
{
    /// <summary>The rate of a step.</summary>
    /// <param name="schedule">The form.</param>
    /// <param name="rate">The full rate.</param>
    /// <param name="step">The step, from 0. With a warm-up the first rate is 0.</param>
    /// <param name="warmUp">Steps over which the rate rises from 0 along a line.</param>
    /// <param name="steps">Steps in all.</param>
    public static double At(LearningRateScheduler schedule, double rate, long step, int warmUp, long steps)
    {
        if (step < warmUp)
            return rate * step / Math.Max(1, warmUp);
        if (schedule == LearningRateScheduler.Constant)
            return rate;
        var done = (step - warmUp) / (double)Math.Max(1, steps - warmUp);
        return rate * Math.Max(0, 0.5 * (1 + Math.Cos(Math.PI * Math.Min(1, done))));
    }
}
