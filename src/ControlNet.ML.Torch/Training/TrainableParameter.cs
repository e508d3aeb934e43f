using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Training;

/// <summary>
/// A parameter that learns: the tensor that the network computes with, and the float32 numbers that the optimiser moves. In float32
/// these are one; a network in bfloat16 has masters beside it, since steps smaller than its rounding would be lost.
/// </summary>
internal sealed class TrainableParameter : IDisposable
{
    private readonly Parameter _parameter;
    private readonly bool _isOwn;
    private Tensor? _gradient;

    public TrainableParameter(string name, Parameter parameter)
    {
        (Name, _parameter) = (name, parameter);
        _isOwn = parameter.dtype != ScalarType.Float32;
        Master = _isOwn ? parameter.detach().to(ScalarType.Float32).DetachFromDisposeScope() : parameter;
        parameter.requires_grad_(true);
    }

    /// <summary>The name in the network's state dict.</summary>
    public string Name { get; }

    /// <summary>The numbers that the optimiser moves, float32.</summary>
    public Tensor Master { get; }

    /// <summary>The gradient that was gathered since <see cref="Clear"/>, float32; null if nothing depended on the parameter.</summary>
    public Tensor? Gradient => _isOwn ? _gradient : _parameter.grad;

    /// <summary>Takes in what a backward pass left: in bfloat16 the passes of one step are summed in float32.</summary>
    public void Gather()
    {
        if (!_isOwn || _parameter.grad is not { } fresh)
            return;
        using var _ = no_grad();
        if (_gradient is null)
            _gradient = fresh.to(ScalarType.Float32).DetachFromDisposeScope();
        else
            _gradient.PlusInPlace(fresh);
        fresh.zero_();
    }

    /// <summary>Forgets the gradient.</summary>
    public void Clear()
    {
        _gradient?.Dispose();
        _gradient = null;
        _parameter.grad?.zero_();
    }

    /// <summary>After the optimiser moved the masters: the network follows.</summary>
    public void Publish()
    {
        if (!_isOwn)
            return;
        using var _ = no_grad();
        _parameter.copy_(Master);
    }

    /// <summary>Puts numbers in the network's parameter's place, if the network is there still.</summary>
    public void Overwrite(Tensor values)
    {
        if (_parameter.IsInvalid)
            return;
        using var _ = no_grad();
        _parameter.copy_(values);
    }

    /// <summary>The parameter learns no more.</summary>
    public void Dispose()
    {
        _gradient?.Dispose();

        // A model that was disposed of during the training takes its parameters with it.
        if (!_parameter.IsInvalid)
        {
            _parameter.requires_grad_(false);
            _parameter.grad = null;
        }

        if (_isOwn)
            Master.Dispose();
    }
}
