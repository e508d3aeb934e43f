using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>Group normalisation of [N, C, H, W].</summary>
internal sealed class GroupNorm : Module<Tensor, Tensor>
{
    public readonly Parameter weight;
    public readonly Parameter bias;
    private readonly long _groups;
    private readonly double _epsilon;

    /// <param name="groups">Number of groups; divides C.</param>
    /// <param name="channels">C.</param>
    /// <param name="epsilon">Added to the variance: 1e-5 in resnets, 1e-6 in transformers and the autoencoder.</param>
    public GroupNorm(long groups, long channels, double epsilon)
        : base(nameof(GroupNorm))
    {
        weight = Unset.Parameter(channels);
        bias = Unset.Parameter(channels);
        _groups = groups;
        _epsilon = epsilon;
        RegisterComponents();
    }

    /// <summary>Number of groups.</summary>
    public long Groups => _groups;

    /// <summary>Added to the variance.</summary>
    public double Epsilon => _epsilon;

    public override Tensor forward(Tensor x) => functional.group_norm(x, _groups, weight, bias, _epsilon);
}

/// <summary>Layer normalisation over the last dimension.</summary>
internal sealed class LayerNorm : Module<Tensor, Tensor>
{
    public readonly Parameter weight;
    public readonly Parameter bias;
    private readonly long[] _shape;
    private readonly double _epsilon;

    /// <param name="width">Size of the last dimension.</param>
    /// <param name="epsilon">Added to the variance.</param>
    public LayerNorm(long width, double epsilon = 1e-5)
        : base(nameof(LayerNorm))
    {
        weight = Unset.Parameter(width);
        bias = Unset.Parameter(width);
        _shape = [width];
        _epsilon = epsilon;
        RegisterComponents();
    }

    public override Tensor forward(Tensor x) => functional.layer_norm(x, _shape, weight, bias, _epsilon);
}
