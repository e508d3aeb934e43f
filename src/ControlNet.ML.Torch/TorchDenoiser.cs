using ControlNet.ML.Diffusion;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Native;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch;

/// <summary>UNet and control networks, with all inputs that the steps share already on the device.</summary>
internal sealed class TorchDenoiser : IDenoiser
{
    private readonly UNet2DConditionModel _unet;
    private readonly NetworkUse _use;
    private readonly TorchDevice _device;
    private readonly List<Tensor> _uploaded = [];
    private readonly UNetInputs _inputs;
    private readonly Tensor? _extraChannels;
    private readonly (TorchControlBackend Network, Tensor Hint)[] _controls;
    private readonly bool _keepsResiduals;
    private readonly DeepFeatures? _features;
    private ControlResiduals? _residuals;

    public TorchDenoiser(UNet2DConditionModel unet, NetworkUse use, TorchDevice device, DenoiserInputs inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        (_unet, _use, _device) = (unet, use, device);
        var controls = inputs.Controls.Select(control => TorchControl(control.Network)).ToArray();
        _inputs = new UNetInputs(
            Timesteps: Own(zeros(0)),
            new TextContext(Upload(inputs.Text), keeps: true),
            inputs.PooledText is { } pooled ? Upload(pooled) : null,
            inputs.TimeIds is { } ids ? Upload(ids) : null,
            inputs.GuidanceCondition is { } guidance ? Upload(guidance) : null);
        _extraChannels = inputs.ExtraChannels is { } extra ? Upload(extra) : null;
        _controls = [.. controls.Select((control, i) => (control, Upload(inputs.Controls[i].Hint)))];
        _keepsResiduals = inputs.Approximation.Reuses;
        _features = inputs.Approximation.FeatureInterval > 1 ? new DeepFeatures() : null;
    }

    public void Predict(TensorData sample, double timestep, IReadOnlyList<ControlStep> controls, TensorData prediction) =>
        Predict(sample, timestep, controls, StepReuse.None, prediction);

    public void Predict(
        TensorData sample, double timestep, IReadOnlyList<ControlStep> controls, StepReuse reuse, TensorData prediction)
    {
        ArgumentNullException.ThrowIfNull(sample);
        ArgumentNullException.ThrowIfNull(controls);
        ArgumentNullException.ThrowIfNull(prediction);
        _use.Run("A denoising step on latents", sample.Shape[^1], sample.Shape[^2], () =>
        {
            var x = sample.ToTorch(_device.Type, _device.Device);
            var inputs = _inputs with
            {
                Timesteps = empty([x.shape[0]], dtype: ScalarType.Float32, device: _device.Device).FillInPlace(timestep)
            };

            ControlResiduals? residuals = null;
            if (reuse.HasFlag(StepReuse.Controls))
                residuals = _residuals ?? throw new InvalidOperationException("No step has kept residuals.");
            else
            {
                foreach (var control in controls)
                {
                    var own = Run(control, x, inputs);
                    residuals = residuals is null ? own : residuals.Add(own);
                }

                if (_keepsResiduals)
                    Keep(residuals);
            }

            var whole = _extraChannels is null ? x : cat([x, _extraChannels], dim: 1);
            var predicted = reuse.HasFlag(StepReuse.Features)
                ? _unet.ForwardShallow(whole, inputs, residuals, _features!)
                : _unet.Forward(whole, inputs, residuals, _features);
            predicted.CopyTo(prediction.Values);
            return true;
        });
    }

    public void Dispose()
    {
        _inputs.Text.Dispose();
        _uploaded.ForEach(tensor => tensor.Dispose());
        Keep(null);
        _features?.Dispose();

        // The decoder follows, which allocates memory in blocks of other sizes.
        NativeHeap.Trim();
    }

    /// <summary>
    /// Runs one control network for the rows in which it applies, scales its residuals, and fills the other rows with zeros.
    /// </summary>
    private ControlResiduals Run(ControlStep control, Tensor x, UNetInputs inputs)
    {
        var (network, hint) = _controls[control.Control];
        var rows = Enumerable.Range(0, (int)x.shape[0]).Where(r => control.Scales.Row(r).ContainsAnyExcept(0f)).ToArray();
        if (rows.Length == 0)
            throw new ArgumentException("A control network has only scales of 0, expected only networks that apply.");
        var all = rows.Length == x.shape[0];
        var index = tensor([.. rows.Select(r => (long)r)], device: _device.Device);

        network.Use.Enter();
        ControlResiduals residuals;
        try
        {
            residuals = network.Network.Forward(Pick(x)!, PickAll(inputs), Pick(hint)!);
        }
        finally
        {
            network.Use.Leave();
        }

        return residuals.Select((residual, i) =>
        {
            // The residuals are new tensors. Most are scaled by 1, which changes nothing.
            float[] factors = [.. rows.Select(r => control.Scales.Row(r)[i])];
            var scaled = factors.AsSpan().ContainsAnyExcept(1f)
                ? residual.mul_(tensor(factors, [rows.Length, 1, 1, 1], device: _device.Device).to(residual.dtype))
                : residual;
            return all ? scaled : zeros([x.shape[0], .. scaled.shape[1..]], scaled.dtype, scaled.device).index_copy_(0, index, scaled);
        });

        Tensor? Pick(Tensor? whole) => all ? whole : whole?.index_select(0, index);

        UNetInputs PickAll(UNetInputs whole) => all
            ? whole
            : new(
                Pick(whole.Timesteps)!, Pick(whole.Text.Hidden)!, Pick(whole.PooledText), Pick(whole.TimeIds),
                Pick(whole.GuidanceCondition));
    }

    /// <summary>Keeps residuals for later steps in place of the earlier ones.</summary>
    private void Keep(ControlResiduals? residuals)
    {
        _residuals?.Select((residual, _) =>
        {
            residual.Dispose();
            return residual;
        });
        _residuals = residuals?.Select((residual, _) => residual.alias().DetachFromDisposeScope());
    }

    private TorchControlBackend TorchControl(IControlBackend network)
    {
        if (network is not TorchControlBackend own)
            throw new ArgumentException(
                $"A control network of another runtime ({network.GetType().Name}) cannot run with a model on torch.");
        return own.Device == _device
            ? own
            : throw new ArgumentException(
                $"The control network is loaded as '{own.Device}', the model as '{_device}': load both with the same options.");
    }

    private Tensor Upload(TensorData data) => Own(data.ToTorch(_device.Type, _device.Device));

    private Tensor Own(Tensor tensor)
    {
        _uploaded.Add(tensor.DetachFromDisposeScope());
        return tensor;
    }
}
