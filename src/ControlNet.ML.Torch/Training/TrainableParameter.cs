using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Training;

/// <summary>
/// A trainable parameter: the network's tensor and the float32 master weights that the optimiser updates. In float32 they are the same
/// tensor; a network in bfloat16 has separate masters, because its rounding would swallow small updates.
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

    /// <summary>The weights that the optimiser updates, float32.</summary>
    public Tensor Master { get; }

    /// <summary>The gradient accumulated since <see cref="Clear"/>, float32; null if no loss depended on the parameter.</summary>
    public Tensor? Gradient => _isOwn ? _gradient : _parameter.grad;

    /// <summary>Accumulates the gradient of a backward pass: in bfloat16, the passes of a step are summed in float32.</summary>
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

    /// <summary>Clears the gradient.</summary>
    public void Clear()
    {
        _gradient?.Dispose();
        _gradient = null;
        _parameter.grad?.zero_();
    }

    /// <summary>Copies the masters to the network after an update.</summary>
    public void Publish()
    {
        if (!_isOwn)
            return;
        using var _ = no_grad();
        _parameter.copy_(Master);
    }

    /// <summary>Overwrites the network's parameter, unless the network is disposed.</summary>
    public void Overwrite(Tensor values)
    {
        if (_parameter.IsInvalid)
            return;
        using var _ = no_grad();
        _parameter.copy_(values);
    }

    /// <summary>Makes the parameter untrainable again.</summary>
    public void Dispose()
    {
        _gradient?.Dispose();

        // A model that was disposed during training disposed its parameters too.
        if (!_parameter.IsInvalid)
        {
            _parameter.requires_grad_(false);
            _parameter.grad = null;
        }

        if (_isOwn)
            Master.Dispose();
    }
}
