using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Models;

/// <summary>
/// The text that cross-attention attends to. For a prompt that stays the same over many steps it keeps the keys and values that each layer
/// makes of it; they depend on text and weights alone, so no kept text may outlive a change of weights.
/// </summary>
internal sealed class TextContext : IDisposable
{
    // SD1 with one control network needs 22 MB for an image with its unconditional row, SDXL 153 MB. Layers beyond the limit compute theirs
    // in every step.
    private const long MostBytes = 512L << 20;

    private readonly Dictionary<Attention, (Tensor Keys, Tensor Values)>? _kept;
    private long _bytes;

    /// <param name="hidden">The text embedding, [N, tokens, width].</param>
    /// <param name="keeps">Whether to keep keys and values until this is disposed.</param>
    public TextContext(Tensor hidden, bool keeps) => (Hidden, _kept) = (hidden, keeps ? [] : null);

    /// <summary>The text embedding, [N, tokens, width].</summary>
    public Tensor Hidden { get; }

    /// <summary>A text for one pass.</summary>
    public static implicit operator TextContext(Tensor hidden) => new(hidden, keeps: false);

    /// <summary>The keys and values of a layer, computed if need be.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="project">Computes them.</param>
    public (Tensor Keys, Tensor Values) KeysAndValues(Attention layer, Func<Tensor, (Tensor Keys, Tensor Values)> project)
    {
        if (_kept is null)
            return project(Hidden);
        if (_kept.TryGetValue(layer, out var kept))
            return kept;
        var made = project(Hidden);
        var bytes = (made.Keys.numel() + made.Values.numel()) * made.Keys.element_size();
        if (_bytes + bytes > MostBytes)
            return made;
        _bytes += bytes;
        return _kept[layer] = (made.Keys.DetachFromDisposeScope(), made.Values.DetachFromDisposeScope());
    }

    /// <summary>Frees the kept keys and values, not the text.</summary>
    public void Dispose()
    {
        foreach (var (keys, values) in _kept?.Values ?? Enumerable.Empty<(Tensor, Tensor)>())
        {
            keys.Dispose();
            values.Dispose();
        }

        _kept?.Clear();
    }
}
