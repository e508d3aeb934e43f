using ControlNet.ML.Adapters;
using ControlNet.ML.Torch.Models;
using static TorchSharp.torch;
using Parameter = TorchSharp.Modules.Parameter;

namespace ControlNet.ML.Torch;

/// <summary>
/// The LoRAs in one network: W' = W + Σ weight · scale · up · down, computed in float32 from the first value of W, which is kept as long
/// as a LoRA changes it. Subtracting a LoRA instead would not give back the same bits.
/// </summary>
/// <param name="network">Gives the network, which is read when a LoRA first applies to it.</param>
/// <param name="part">Its name in <see cref="LoraModule.Part"/>.</param>
internal sealed class MergedLoras(Func<nn.Module> network, string part) : IDisposable
{
    private readonly Dictionary<string, Tensor> _originals = [];
    private readonly Lazy<Dictionary<string, (Parameter Weight, Convolution? Convolution)>> _weights = new(() => WeightsOf(network()));
    private IReadOnlyList<WeightedLora> _current = [];

    /// <summary>Weights computed so far.</summary>
    public long Merged { get; private set; }

    /// <summary>Weights restored so far.</summary>
    public long Restored { get; private set; }

    /// <summary>Whether LoRAs have changed the network, whose parameters must then stay the same tensors.</summary>
    public bool IsUsed => _weights.IsValueCreated;

    /// <summary>Sets all LoRAs that apply.</summary>
    public void Set(IReadOnlyList<WeightedLora> loras)
    {
        if (loras.SequenceEqual(_current))
            return;
        var (before, after) = (ByPath(_current), ByPath(loras));
        try
        {
            foreach (var path in before.Select(group => group.Key).Union(after.Select(group => group.Key)))
            {
                if (!before[path].SequenceEqual(after[path]))
                    Change(path, [.. after[path]]);
            }

            _current = loras;
        }
        catch
        {
            // Never half a LoRA: the next call starts from the first values.
            foreach (var path in _originals.Keys.ToList())
                Restore(path);
            _current = [];
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var original in _originals.Values)
            original.Dispose();
        _originals.Clear();
    }

    private static Dictionary<string, (Parameter Weight, Convolution? Convolution)> WeightsOf(nn.Module network)
    {
        var convolutions = network.named_modules().Where(entry => entry.module is Convolution)
            .ToDictionary(entry => entry.name, entry => (Convolution)entry.module);
        const string weight = ".weight";
        return network.named_parameters().Where(entry => entry.name.EndsWith(weight, StringComparison.Ordinal))
            .Select(entry => (Path: entry.name[..^weight.Length], entry.parameter))
            .ToDictionary(entry => entry.Path, entry => (entry.parameter, convolutions.GetValueOrDefault(entry.Path)));
    }

    private ILookup<string, (LoraModule Module, double Weight)> ByPath(IReadOnlyList<WeightedLora> loras) =>
        loras.SelectMany(lora => lora.Lora.Modules.Where(module => module.Part == part).Select(module => (module, lora.Weight)))
            .ToLookup(change => change.module.Path, change => (change.module, change.Weight));

    private void Change(string path, (LoraModule Module, double Weight)[] changes)
    {
        if (changes.Length == 0)
        {
            Restore(path);
            return;
        }

        using var scope = NewDisposeScope();
        var (weight, convolution) = _weights.Value[path];
        if (!_originals.TryGetValue(path, out var original))
            _originals.Add(path, original = weight.detach().clone().DetachFromDisposeScope());
        var sum = original.to(ScalarType.Float32, copy: true);
        foreach (var (module, factor) in changes)
        {
            var up = module.Up.ToTorch(ScalarType.Float32, weight.device).view(weight.shape[0], -1);
            var down = module.Down.ToTorch(ScalarType.Float32, weight.device).view(up.shape[1], -1);
            sum.PlusInPlace(up.mm(down).TimesInPlace(factor * module.Scale).view(weight.shape));
        }

        weight.copy_(sum);
        convolution?.ParametersChanged();
        Merged++;
    }

    private void Restore(string path)
    {
        var (weight, convolution) = _weights.Value[path];
        using var original = _originals[path];
        weight.copy_(original);
        _originals.Remove(path);
        convolution?.ParametersChanged();
        Restored++;
    }
}
