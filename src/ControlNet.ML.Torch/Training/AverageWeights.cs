using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Training;

/// <summary>The exponential moving average of the weights (EMA), which draws better than the weights of any one step.</summary>
internal sealed class AverageWeights : IDisposable
{
    private readonly double _decay;
    private readonly bool _warmsUp;
    private readonly Dictionary<string, Tensor> _averages;
    private readonly IReadOnlyList<TrainableParameter> _parameters;

    /// <param name="parameters">What is trained; the average starts at their present values.</param>
    /// <param name="decay">Share of the average that stays in a step.</param>
    /// <param name="warmsUp">Whether the first steps keep less: min(decay, (1 + k) / (10 + k)) after k updates and nothing at the first, diffusers' <c>EMAModel</c>.</param>
    public AverageWeights(IReadOnlyList<TrainableParameter> parameters, double decay, bool warmsUp)
    {
        (_parameters, _decay, _warmsUp) = (parameters, decay, warmsUp);
        using var _ = no_grad();
        _averages = parameters.ToDictionary(p => p.Name, p => p.Master.detach().clone().DetachFromDisposeScope());
    }

    /// <summary>The averages by their parameters' names, float32.</summary>
    public IReadOnlyDictionary<string, Tensor> Values => _averages;

    /// <summary>The share that the average keeps at an update.</summary>
    /// <param name="updates">How many came before.</param>
    public double Decay(int updates) => !_warmsUp ? _decay : updates == 0 ? 0 : Math.Min(_decay, (1.0 + updates) / (10.0 + updates));

    /// <summary>Moves the average towards the present weights.</summary>
    /// <param name="updates">How many updates came before.</param>
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
