namespace ControlNet.ML.Torch.Training;

/// <summary>How the learning rate changes over the steps.</summary>
public enum LearningRateScheduler
{
    /// <summary>Constant after the warm-up, as in the paper.</summary>
    Constant,

    /// <summary>Falls to 0 along half a cosine after the warm-up.</summary>
    Cosine,
}

/// <summary>The learning rates of diffusers' <c>get_scheduler</c>.</summary>
internal static class LearningRate
{
    /// <summary>The learning rate of a step.</summary>
    /// <param name="scheduler">The scheduler.</param>
    /// <param name="learningRate">The learning rate after the warm-up.</param>
    /// <param name="step">The step, from 0; with a warm-up its learning rate is 0.</param>
    /// <param name="warmupSteps">Number of steps over which the learning rate rises linearly from 0.</param>
    /// <param name="steps">Total number of steps.</param>
    public static double At(LearningRateScheduler scheduler, double learningRate, long step, int warmupSteps, long steps)
    {
        if (step < warmupSteps)
            return learningRate * step / Math.Max(1, warmupSteps);
        if (scheduler == LearningRateScheduler.Constant)
            return learningRate;
        var done = (step - warmupSteps) / (double)Math.Max(1, steps - warmupSteps);
        return learningRate * Math.Max(0, 0.5 * (1 + Math.Cos(Math.PI * Math.Min(1, done))));
    }
}
