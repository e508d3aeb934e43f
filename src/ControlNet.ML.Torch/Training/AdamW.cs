using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Training;

/// <summary>
/// Adam with decoupled weight decay (Loshchilov and Hutter, 2019), with the numbers of torch's <c>AdamW(foreach=False)</c>. Implemented
/// here
/// because a resumed run has to write and read the moments by parameter name. A parameter without a gradient is skipped: it neither decays
/// nor gets moments, unlike one whose gradient is zero.
/// </summary>
internal sealed class AdamW : IDisposable
{
    private const long Piece = 1 << 18;
    private readonly IReadOnlyList<TrainableParameter> _parameters;
    private readonly AdamWOptions _options;
    private readonly Dictionary<string, Moments> _moments = [];
    private readonly Tensor _share;

    /// <param name="parameters">The parameters to train.</param>
    /// <param name="options">Betas, epsilon, weight decay.</param>
    public AdamW(IReadOnlyList<TrainableParameter> parameters, AdamWOptions options)
    {
        (_parameters, _options) = (parameters, options);
        using var scope = NewDisposeScope();
        var device = parameters.Count > 0 ? parameters[0].Master.device : CPU;
        _share = tensor((float)(1 - options.Beta1), device: device).DetachFromDisposeScope();
    }

    /// <summary>The moments by parameter name; a parameter that never had a gradient has none.</summary>
    public IReadOnlyDictionary<string, Moments> State => _moments;

    /// <summary>Updates every parameter that has a gradient.</summary>
    /// <param name="learningRate">The learning rate of this step.</param>
    public void Step(double learningRate)
    {
        using var _ = no_grad();
        foreach (var parameter in _parameters)
        {
            using var scope = NewDisposeScope();
            if (parameter.Gradient is not { } gradient)
                continue;
            if (!_moments.TryGetValue(parameter.Name, out var moments))
                _moments[parameter.Name] = moments = new Moments(
                    0, zeros_like(parameter.Master).detach(), zeros_like(parameter.Master).detach());
            _moments[parameter.Name] = moments = moments with { Step = moments.Step + 1 };

            Step(parameter.Master, gradient, moments, learningRate);
            moments.Mean.DetachFromDisposeScope();
            moments.Square.DetachFromDisposeScope();
        }
    }

    /// <summary>Updates one parameter in pieces that stay in the processor's cache over the eight operations on each.</summary>
    private void Step(Tensor weights, Tensor gradients, Moments moments, double learningRate)
    {
        var (first, second) = (1 - Math.Pow(_options.Beta1, moments.Step), 1 - Math.Pow(_options.Beta2, moments.Step));
        var (allWeights, allGradients) = (weights.view(-1), gradients.reshape(-1));
        var (allMeans, allSquares) = (moments.Mean.view(-1), moments.Square.view(-1));
        for (long start = 0; start < allWeights.shape[0]; start += Piece)
        {
            using var scope = NewDisposeScope();
            var length = Math.Min(Piece, allWeights.shape[0] - start);
            var (weight, gradient) = (allWeights.narrow(0, start, length), allGradients.narrow(0, start, length));
            var (mean, square) = (allMeans.narrow(0, start, length), allSquares.narrow(0, start, length));
            weight.TimesInPlace(1 - (learningRate * _options.WeightDecay));
            mean.lerp_(gradient, _share);
            square.TimesInPlace(_options.Beta2).PlusProductInPlace(gradient, gradient, 1 - _options.Beta2);
            var scale = square.sqrt().OverInPlace(Math.Sqrt(second)).PlusInPlace(_options.Epsilon);
            weight.PlusQuotientInPlace(mean, scale, -learningRate / first);
        }
    }

    /// <summary>Restores the moments of a resumed run.</summary>
    /// <param name="name">A parameter's name.</param>
    /// <param name="moments">Its moments; the optimiser takes ownership of them.</param>
    public void Restore(string name, Moments moments)
    {
        moments.Mean.DetachFromDisposeScope();
        moments.Square.DetachFromDisposeScope();
        _moments[name] = moments;
    }

    public void Dispose()
    {
        _share.Dispose();
        foreach (var moments in _moments.Values)
        {
            moments.Mean.Dispose();
            moments.Square.Dispose();
        }
    }
}

/// <summary>The optimiser's state for one parameter.</summary>
/// <param name="Step">Number of updates.</param>
/// <param name="Mean">Moving average of the gradients, torch's <c>exp_avg</c>.</param>
/// <param name="Square">Moving average of the squared gradients, torch's <c>exp_avg_sq</c>.</param>
internal sealed record Moments(int Step, Tensor Mean, Tensor Square);

/// <summary>AdamW's settings.</summary>
public sealed record AdamWOptions
{
    /// <summary>Decay of the gradients' moving average, 0 to below 1.</summary>
    /// <value>Default: 0.9.</value>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay of the squared gradients' moving average, 0 to below 1.</summary>
    /// <value>Default: 0.999.</value>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>Added to the denominator, the root of the squared gradients' average, above 0.</summary>
    /// <value>Default: 1e-8.</value>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Weight decay, 0 or more: each step reduces a weight by this fraction, times the learning rate.</summary>
    /// <value>Default: 0.01, as in torch and the public training scripts.</value>
    public double WeightDecay { get; init; } = 1e-2;

    /// <summary>Checks the ranges.</summary>
    /// <exception cref="ControlNetException">A value is out of range.</exception>
    internal void Check()
    {
        Require(Beta1 is >= 0 and < 1, nameof(Beta1), Beta1, "0 to below 1");
        Require(Beta2 is >= 0 and < 1, nameof(Beta2), Beta2, "0 to below 1");
        Require(Epsilon > 0 && double.IsFinite(Epsilon), nameof(Epsilon), Epsilon, "above 0");
        Require(WeightDecay >= 0 && double.IsFinite(WeightDecay), nameof(WeightDecay), WeightDecay, "0 or more");
    }

    private static void Require(bool holds, string name, double value, string expected)
    {
        if (!holds)
            throw new ControlNetException(FormattableString.Invariant($"Optimizer.{name} is {value}, expected {expected}."));
    }
}
