using ControlNet.ML.Torch.Kernels;
using ControlNet.ML.Weights;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch;

/// <summary>
/// A network whose weights stay in their mapped files, in the files' own type, until it is first used: a model opens as fast as its files
/// are described, and a network that is never used takes no memory. Names, shapes and types are compared at once.
/// </summary>
internal sealed class LazyNetwork<T> : IDisposable
    where T : nn.Module
{
    private readonly Lock _gate = new();
    private readonly Func<T>? _build;
    private readonly ScalarType _type;
    private readonly TorchDevice? _device;
    private readonly bool _isReleasable;
    private WeightSource? _weights;
    private T? _network;
    private bool _isDisposed;

    /// <summary>A network in memory.</summary>
    public LazyNetwork(T network) => _network = network;

    /// <summary>A network to be read. Takes ownership of the weights.</summary>
    /// <param name="build">Builds the network.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="layout">Its names and shapes, which have to match.</param>
    /// <param name="type">Its data type.</param>
    /// <param name="device">Its device, and the kernels that compute it.</param>
    /// <param name="isReleasable">Whether <see cref="Release"/> may free it, for which its files stay open.</param>
    /// <exception cref="ControlNetException">The weights do not match, or do not fit into memory.</exception>
    public LazyNetwork(Func<T> build, WeightSource weights, KeyMap layout, ScalarType type, TorchDevice device, bool isReleasable = false)
    {
        (_build, _weights, _type, _device, _isReleasable) = (build, weights, type, device, isReleasable);
        try
        {
            StateDict.EnsureFits(WeightLoader.Match(weights, layout), type, device.Device);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>The memory that the network will take when it is read, in bytes; 0 once it is.</summary>
    public long UnreadBytes => _network is null && _weights is { } weights ? StateDict.Bytes(weights.Tensors.Values, _type) : 0;

    /// <summary>Data type of the network.</summary>
    public ScalarType Type => _network?.parameters().First().dtype ?? _type;

    /// <summary>Tensors read so far.</summary>
    public long TensorsRead { get; private set; }

    /// <summary>The network, which is read first if need be.</summary>
    /// <exception cref="ControlNetException">The file has changed, or there is not enough memory.</exception>
    /// <exception cref="ObjectDisposedException">The network is disposed.</exception>
    public T Value => Read(loaded: null, CancellationToken.None);

    /// <summary>Reads the network unless it is in memory.</summary>
    /// <param name="loaded">Receives the number of bytes read.</param>
    /// <param name="cancellationToken">Checked before each tensor; the network can be read again afterwards.</param>
    public T Read(Action<long>? loaded, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (_network is not null)
                return _network;
            _weights!.EnsureUnchanged();
            var network = StateDict.Load(_build!, _weights, _type, _device!.Device, loaded, cancellationToken);
            if (_device.Kernels is not null)
                ChannelsLast.LayWeights(network);

            // The first use may be within a dispose scope, which the network outlives.
            foreach (var parameter in network.parameters())
                parameter.DetachFromDisposeScope();
            TensorsRead += _weights.Tensors.Count;
            if (!_isReleasable)
            {
                _weights.Dispose();
                _weights = null;
            }

            return _network = network;
        }
    }

    /// <summary>Frees the network until it is read again; nothing where its files are closed. Nobody may be computing on it.</summary>
    public void Release()
    {
        lock (_gate)
        {
            if (_weights is null)
                return;
            _network?.Dispose();
            _network = null;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isDisposed = true;
            _network?.Dispose();
            _weights?.Dispose();
        }
    }
}
