using static TorchSharp.torch;

namespace ControlNet.ML.Torch;

/// <summary>
/// Keeps networks in memory while libtorch computes on them: disposing waits for the calls in flight, and later calls are
/// refused. Without it, another thread's <c>Dispose</c> would free weights that are being read.
/// </summary>
/// <param name="owner">The type that users know, for the exception.</param>
internal sealed class NetworkUse(Type owner)
{
    private readonly object _gate = new();
    private int _inFlight;
    private bool _closed;

    /// <summary>Computes without gradients, in its own dispose scope.</summary>
    /// <param name="what">The operation, for messages: <c>Decoding an image</c>.</param>
    /// <param name="width">Columns of the image, for messages; 0 if there is none.</param>
    /// <param name="height">Rows of the image.</param>
    /// <param name="compute">Returns managed values: tensors are disposed with the scope.</param>
    /// <exception cref="ObjectDisposedException">The networks are disposed.</exception>
    /// <exception cref="ControlNetException">There is not enough memory.</exception>
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

    /// <summary>Begins a call, which ends with <see cref="Leave"/>.</summary>
    /// <exception cref="ObjectDisposedException">The networks are disposed.</exception>
    public void Enter()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_closed, owner);
            _inFlight++;
        }

        SignalStack.MakeRoom();
    }

    /// <summary>Ends a call.</summary>
    public void Leave()
    {
        lock (_gate)
        {
            if (--_inFlight == 0)
                Monitor.PulseAll(_gate);
        }
    }

    /// <summary>Refuses new calls, waits for those in flight, then frees the networks, once.</summary>
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
