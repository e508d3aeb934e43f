using ControlNet.ML.Torch.Models;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Training;

/// <summary>
/// Forward and backward pass of the graph of the paper's Figure 3: the trainable control network, the UNet's locked encoder without
/// gradients, and the UNet's decoder, through which gradients reach the residuals.
/// </summary>
internal sealed class ControlGraph
{
    private readonly UNet2DConditionModel _unet;
    private readonly IControlModel _control;
    private readonly DenoisingObjective _objective;
    private readonly bool _onlyMid;
    private readonly bool _recompute;

    /// <param name="unet">The base model's UNet.</param>
    /// <param name="control">The network to train.</param>
    /// <param name="objective">The training objective.</param>
    /// <param name="onlyMid">Whether only the middle residual is added to the UNet (<c>only_mid_control</c>).</param>
    /// <param name="recompute">
    /// Whether the backward pass recomputes the decoder instead of storing its activations (gradient checkpointing).
    /// </param>
    public ControlGraph(
        UNet2DConditionModel unet, IControlModel control, DenoisingObjective objective, bool onlyMid = false, bool recompute = false) =>
        (_unet, _control, _objective, _onlyMid, _recompute) = (unet, control, objective, onlyMid, recompute);

    /// <summary>Computes the loss and adds its gradients to the parameters'.</summary>
    /// <param name="batch">The rows.</param>
    /// <param name="factor">Factor of the mean loss before the backward pass: 1 / the number of accumulated batches.</param>
    /// <returns>The weighted loss of each row.</returns>
    public float[] Backward(TrainingBatch batch, double factor = 1)
    {
        using var scope = NewDisposeScope();
        var (noisy, target, inputs) = Prepare(batch);
        var residuals = Residuals(noisy, inputs, batch.Condition);
        if (_recompute)
        {
            EncodedSample encoded;
            using (no_grad())
                encoded = _unet.Encode(noisy, inputs);
            var (losses, gradients) = new RecomputedDecoder(_unet).Backward(
                encoded, residuals, inputs.Text, prediction => _objective.Losses(prediction, target, batch.Timesteps), factor);
            var (outputs, seeds) = Pairs(residuals, gradients);
            autograd.backward(outputs, seeds);
            return losses;
        }

        var each = _objective.Losses(Predict(noisy, inputs, residuals), target, batch.Timesteps);
        each.mean().Times(factor).backward();
        return Values(each);
    }

    /// <summary>The weighted loss of each row, without gradients.</summary>
    /// <param name="batch">The rows.</param>
    public float[] Losses(TrainingBatch batch)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var (noisy, target, inputs) = Prepare(batch);
        return Values(_objective.Losses(Predict(noisy, inputs, Residuals(noisy, inputs, batch.Condition)), target, batch.Timesteps));
    }

    /// <summary>The values of a tensor on any device, as float.</summary>
    internal static float[] Values(Tensor tensor)
    {
        var values = new float[tensor.numel()];
        tensor.detach().CopyTo(values);
        return values;
    }

    private (Tensor Noisy, Tensor Target, UNetInputs Inputs) Prepare(TrainingBatch batch)
    {
        var type = _unet.conv_in.weight.dtype;
        var noisy = _objective.Noisy(batch.Latents, batch.Noise, batch.Timesteps).to(type);
        var times = tensor(Array.ConvertAll(batch.Timesteps, t => (float)t), device: noisy.device);
        return (noisy, _objective.Target(batch.Latents, batch.Noise, batch.Timesteps), batch.Text with { Timesteps = times });
    }

    private ControlResiduals Residuals(Tensor noisy, UNetInputs inputs, Tensor condition)
    {
        var residuals = _control.Forward(noisy, inputs, _control.EncodeCondition(condition));
        return _onlyMid ? residuals with { Skips = [] } : residuals;
    }

    private Tensor Predict(Tensor noisy, UNetInputs inputs, ControlResiduals residuals)
    {
        // No trainable weight comes before the encoder: it needs no graph, even if the decoder is unlocked.
        EncodedSample encoded;
        using (no_grad())
            encoded = _unet.Encode(noisy, inputs);
        return _unet.Decode(encoded.With(residuals), inputs.Text);
    }

    private static (List<Tensor> Outputs, List<Tensor> Gradients) Pairs(ControlResiduals residuals, ControlResiduals gradients) =>
        ([.. residuals.Skips, residuals.Middle], [.. gradients.Skips, gradients.Middle]);
}
