namespace ControlNet.ML.Diffusion.Schedulers;

/// <summary>
/// Converts a network's output, for each prediction type, to the clean sample x_0 and the noise ε in x = α x_0 + σ ε, and bounds predicted
/// samples as configured.
/// </summary>
internal sealed class Prediction(SchedulerConfig config, int rows)
{
    private readonly PredictionType _type = config.PredictionType;
    private readonly bool _thresholds = config.Thresholding;
    private readonly float _range = config.ClipSample ? (float)config.ClipSampleRange : float.PositiveInfinity;
    private readonly float _quantile = (float)config.DynamicThresholdingRatio;
    private readonly float _largest = (float)config.SampleMaxValue;
    private float[] _sorted = [];

    /// <summary>Whether the configuration bounds predicted samples dynamically.</summary>
    public bool Thresholds => _thresholds;

    /// <summary>The predicted clean sample, without bounds.</summary>
    public void PredOriginalSample(ReadOnlySpan<float> output, ReadOnlySpan<float> sample, double alpha, double sigma, Span<float> original)
    {
        switch (_type)
        {
            case PredictionType.Epsilon:
                WeightedSum.Set(original, 1 / alpha, sample, -sigma / alpha, output);
                break;
            case PredictionType.Velocity:
                WeightedSum.Set(original, alpha, sample, -sigma, output);
                break;
            default:
                output.CopyTo(original);
                break;
        }
    }

    /// <summary>The predicted noise.</summary>
    public void PredEpsilon(ReadOnlySpan<float> output, ReadOnlySpan<float> sample, double alpha, double sigma, Span<float> noise)
    {
        switch (_type)
        {
            case PredictionType.Epsilon:
                output.CopyTo(noise);
                break;
            case PredictionType.Velocity:
                WeightedSum.Set(noise, alpha, output, sigma, sample);
                break;
            default:
                EpsilonOf(output, sample, alpha, sigma, noise);
                break;
        }
    }

    /// <summary>The noise in a sample whose clean part is known: (x - α x_0) / σ.</summary>
    public static void EpsilonOf(ReadOnlySpan<float> original, ReadOnlySpan<float> sample, double alpha, double sigma, Span<float> noise) =>
        WeightedSum.Set(noise, 1 / sigma, sample, -alpha / sigma, original);

    /// <summary>Bounds a predicted sample: by dynamic thresholding, else by clipping, if configured.</summary>
    public void Bound(Span<float> original)
    {
        if (_thresholds)
            Threshold(original);
        else if (_range < float.PositiveInfinity)
            Clamp(original, _range, 1);
    }

    /// <summary>
    /// Dynamic thresholding (Saharia et al., 2022, section 2.3), if configured: each sample is clipped at a quantile s of its absolute
    /// values, s at least 1, and divided by s.
    /// </summary>
    public void Threshold(Span<float> original)
    {
        if (!_thresholds)
            return;
        var length = original.Length / rows;
        if (_sorted.Length != length)
            _sorted = new float[length];
        for (; original.Length > 0; original = original[length..])
        {
            var row = original[..length];
            for (var i = 0; i < length; i++)
                _sorted[i] = MathF.Abs(row[i]);
            Array.Sort(_sorted);
            var rank = _quantile * (length - 1);
            var below = (int)rank;
            var bound = _sorted[below] + ((rank - below) * (_sorted[Math.Min(below + 1, length - 1)] - _sorted[below]));
            bound = MathF.Min(MathF.Max(bound, 1), _largest);
            Clamp(row, bound, bound);
        }
    }

    private static void Clamp(Span<float> values, float bound, float divisor)
    {
        foreach (ref var value in values)
            value = MathF.Min(MathF.Max(value, -bound), bound) / divisor;
    }
}
