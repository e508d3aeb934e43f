namespace ControlNet.ML.Cli.Scoring;

/// <summary>Writes the images of a batch on another thread while the next one is computed; at most one batch waits.</summary>
internal sealed class WriteBehind
{
    private Task _last = Task.CompletedTask;

    /// <summary>Starts to write, after the batch before is written.</summary>
    /// <param name="write">Writes a batch.</param>
    /// <exception cref="Exception">What writing the batch before threw.</exception>
    public void Start(Action write)
    {
        Wait();
        _last = Task.Run(write);
    }

    /// <summary>Waits until everything is written.</summary>
    /// <exception cref="Exception">What writing threw, once.</exception>
    public void Wait()
    {
        var last = _last;
        _last = Task.CompletedTask;
        last.GetAwaiter().GetResult();
    }
}
