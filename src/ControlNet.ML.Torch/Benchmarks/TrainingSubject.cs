using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Native;
using ControlNet.ML.Torch.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Benchmarks;

/// <summary>A full-size control network for Stable Diffusion 1.5 in training, with random weights.</summary>
internal sealed class TrainingSubject : IDisposable
{
    private readonly UNet2DConditionModel _unet;
    private readonly IControlModel _control;
    private readonly DenoisingObjective _objective;
    private readonly TrainingState _state;
    private readonly DisposeScope _scope;

    /// <param name="precision">Precision of the base model and the passes; trainable weights also have a float32 copy.</param>
    public TrainingSubject(Precision precision)
    {
        TorchNative.EnsureLoaded();
        Device = TorchDevice.From(new LoadOptions { Device = "cpu", Precision = precision });
        _unet = RandomWeights.Fill(Unset.On(Device.Type, Device.Device, () => new UNet2DConditionModel(UNetConfig.StableDiffusion15)));
        _control = TrainedNetwork.FromUNet(ControlNetConfig.StableDiffusion15, _unet, Device, seed: 0);
        var schedule = new NoiseSchedule(Betas.Create("scaled_linear", 1000, 0.00085, 0.012));
        _objective = new DenoisingObjective(schedule, PredictionType.Epsilon, null, Device.Device);
        _state = new TrainingState(ControlNetConfig.StableDiffusion15, _control, _unet, new TrainingOptions { Folder = "none" });
        _scope = NewDisposeScope();
    }

    /// <summary>Runtime, device, precision.</summary>
    public TorchDevice Device { get; }

    /// <summary>A batch of random rows.</summary>
    /// <param name="count">Batch size.</param>
    /// <param name="side">Side of their images in pixels.</param>
    public TrainingBatch Rows(int count, int side) => new(
        randn(count, 4, side / 8, side / 8),
        randn(count, 4, side / 8, side / 8),
        [.. Enumerable.Repeat(500, count)],
        rand(count, 3, side, side).to(Device.Type),
        new UNetInputs(zeros(0), randn(count, 77, 768).to(Device.Type)));

    /// <summary>The networks' graph.</summary>
    /// <param name="recompute">Whether the decoder is recomputed in the backward pass (gradient checkpointing).</param>
    public ControlGraph Graph(bool recompute) => new(_unet, _control, _objective, recompute: recompute);

    /// <summary>A whole step: both passes, gradient clipping, AdamW.</summary>
    public void Step(ControlGraph graph, TrainingBatch batch)
    {
        using var own = NewDisposeScope();
        foreach (var parameter in _state.All)
            parameter.Clear();
        graph.Backward(batch);
        foreach (var parameter in _state.All)
            parameter.Gather();
        GradientNorm.Clip(_state.All, 1);
        _state.Optimizer.Step(1e-5);
        foreach (var parameter in _state.All)
            parameter.Publish();
    }

    public void Dispose()
    {
        _scope.Dispose();
        _state.Dispose();
        _objective.Dispose();
        _control.Dispose();
        _unet.Dispose();
    }
}
