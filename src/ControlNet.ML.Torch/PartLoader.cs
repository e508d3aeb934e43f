using ControlNet.ML.Weights;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch;

/// <summary>Opens part after part, reports progress of what is read, and closes the opened parts if the rest fails.</summary>
internal sealed class PartLoader(ModelFolder folder, TorchDevice device, LoadOptions options, CancellationToken cancellationToken)
    : IDisposable
{
    private readonly List<IDisposable> _loaded = [];
    private readonly double _total = new[] { "text_encoder", "text_encoder_2", "unet", "vae" }
        .Where(
            part => folder.Loaded.HasFlag(ModelFolder.PartsOf(part)) && (part != "text_encoder_2" || folder.TextEncoder2 is not null))
        .Sum(folder.PartLength);

    private double _done;

    public LazyNetwork<T> Load<T>(string part, KeyMap layout, Func<T> build, ScalarType type, bool isReleasable = false)
        where T : nn.Module
    {
        cancellationToken.ThrowIfCancellationRequested();
        var network = new LazyNetwork<T>(build, folder.OpenWeights(part), layout, type, device, isReleasable);
        _loaded.Add(network);
        if (options.Preload)
            network.Read(bytes => options.Progress?.Report((_done += bytes) / _total), cancellationToken);
        return network;
    }

    public void Keep()
    {
        _loaded.Clear();
        options.Progress?.Report(1);
    }

    public void Dispose() => _loaded.ForEach(network => network.Dispose());
}
