using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Models;

/// <summary>
/// The deep features of a UNet's last whole step, for steps that run only its outermost layers (DeepCache: Ma, Fang, Wang, 2023): what
/// enters the decoder's last <see cref="Layers"/> layers. These take the skip tensors of the first convolution and of the encoder's first
/// layers, which such a step computes.
/// </summary>
internal sealed class DeepFeatures : IDisposable
{
    /// <summary>Number of the decoder's layers that run in every step.</summary>
    public const int Layers = 2;

    private Tensor? _value;

    /// <summary>The features, [N, C, H, W].</summary>
    /// <exception cref="InvalidOperationException">No step has kept any.</exception>
    public Tensor Value => _value ?? throw new InvalidOperationException("No whole step has run, expected one before this.");

    /// <summary>Keeps the features in place of the earlier ones.</summary>
    /// <param name="features">The features, which stay as they are in the step's dispose scope.</param>
    public void Keep(Tensor features)
    {
        _value?.Dispose();
        _value = features.alias().DetachFromDisposeScope();
    }

    public void Dispose() => _value?.Dispose();
}
