namespace ControlNet.ML.Internal;

/// <summary>
/// Keeps native objects while calls use them: closing waits for the calls in flight, and later calls are refused. Without it, another
/// thread's <c>Dispose</c> would free what is being read.
/// </summary>
/// <param name="owner">The type that users know, for the exception.</param>
internal sealed class UseCount(Type owner)
{
    private readonly object _gate = new();
    private int _inFlight;
    private bool _closed;

    /// <summary>Begins a call, which ends with <see cref="Leave"/>.</summary>
    /// <exception cref="ObjectDisposedException">It is closed.</exception>
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

    /// <summary>Refuses new calls, waits for those in flight, then frees the objects, once.</summary>
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
