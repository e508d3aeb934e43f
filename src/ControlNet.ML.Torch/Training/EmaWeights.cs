using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Training;

/// <summary>Exponential moving average (EMA) of the weights, which generates better images than the weights of any one step.</summary>
internal sealed class EmaWeights : IDisposable
{
    private readonly double _decay;
    private readonly bool _useWarmup;
    private readonly Dictionary<string, Tensor> _averages;
    private readonly IReadOnlyList<TrainableParameter> _parameters;

    /// <param name="parameters">The parameters; the average starts at their current values.</param>
    /// <param name="decay">Share of the average that an update keeps.</param>
    /// <param name="useWarmup">
    /// Whether the first updates keep less: min(decay, (1 + k) / (10 + k)) after k updates and 0 at the first, as diffusers'
    /// <c>EMAModel</c> with <c>use_ema_warmup</c>.
    /// </param>
    public EmaWeights(IReadOnlyList<TrainableParameter> parameters, double decay, bool useWarmup)
    {
        (_parameters, _decay, _useWarmup) = (parameters, decay, useWarmup);
        using var _ = no_grad();
        _averages = parameters.ToDictionary(p => p.Name, p => p.Master.detach().clone().DetachFromDisposeScope());
    }

    /// <summary>The averages by parameter name, float32.</summary>
    public IReadOnlyDictionary<string, Tensor> Values => _averages;

    /// <summary>The share of the average that an update keeps.</summary>
    /// <param name="updates">Number of earlier updates.</param>
    public double Decay(int updates) => !_useWarmup ? _decay : updates == 0 ? 0 : Math.Min(_decay, (1.0 + updates) / (10.0 + updates));

    /// <summary>Updates the average with the current weights.</summary>
    /// <param name="updates">Number of earlier updates.</param>
    public void Update(int updates)
    {
        using var _ = no_grad();
        var share = 1 - Decay(updates);
        foreach (var parameter in _parameters)
        {
            using var difference = _averages[parameter.Name] - parameter.Master;
            _averages[parameter.Name].sub_(difference.TimesInPlace(share));
        }
    }

    public void Dispose()
    {
        foreach (var average in _averages.Values)
            average.Dispose();
    }
}
