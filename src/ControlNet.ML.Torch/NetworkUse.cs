using static TorchSharp.torch;

namespace ControlNet.ML.Torch;

/// <summary>
/// Keeps networks in memory while libtorch computes on them: freeing them waits for the calls in flight, and calls that come later are
/// refused. Without it, another thread's <c>Dispose</c> would free weights that are being read.
/// </summary>
/// <param name="owner">The type that users know, for the exception.</param>
internal sealed class NetworkUse(Type owner)
{
    private readonly object _gate = new();
    private int _inFlight;
    private bool _closed;

    /// <summary>Computes without gradients, in a scope of its own.</summary>
    /// <param name="what">What, for messages: <c>Decoding an image</c>.</param>
    /// <param name="width">Columns of the image that it is about; 0 where there is none.</param>
    /// <param name="height">Rows of the image that it is about.</param>
    /// <param name="compute">Returns managed values: tensors go with the scope.</param>
    /// <exception cref="ObjectDisposedException">The networks are gone.</exception>
    /// <exception cref="ControlNetException">The memory does not suffice.</exception>
    public T Run<T>(string what, int width, int height, Func<T> compute)
    {
        Enter();
        try
        {
            using var scope = NewDisposeScope();
            using var _ = no_grad();
            return compute();
        }
        catch (Exception error) when (ImageMemory.IsExhaustion(error))
        {
            throw ImageMemory.Exhausted(error, what, width, height);
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>A call begins, which ends with <see cref="Leave"/>.</summary>
    /// <exception cref="ObjectDisposedException">The networks are gone.</exception>
    public void Enter()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, owner);
            _inFlight++;
        }
    }

    /// <summary>A call ends.</summary>
    public void Leave()
    {
        lock (_gate)
        {
            if (--_inFlight == 0)
                Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Lets no call begin any more, waits until those in flight have ended, then frees; only once.</summary>
    public void Close(Action free)
    {
        lock (_gate)
        {
            if (_closed)
                return;
            _closed = true;
            while (_inFlight > 0)
                Monitor.Wait(_gate);
            free();
        }
    }
}
