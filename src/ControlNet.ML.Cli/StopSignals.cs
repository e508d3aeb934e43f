using System.Runtime.InteropServices;

namespace ControlNet.ML.Cli;

/// <summary>
/// Ctrl-C, and SIGTERM as Slurm and Kubernetes send it. The first signal asks the command to stop, and leaves it the time for its current
/// operation and checkpoint: a process that exits while libtorch computes crashes. The second signal ends the process at once.
/// </summary>
internal sealed partial class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;
    private readonly Terminal _terminal;
    private int _received;

    /// <summary>Handles signals until it is disposed.</summary>
    /// <param name="terminal">Where to report that the command is stopping.</param>
    public StopSignals(Terminal terminal)
    {
        _terminal = terminal;
        _registrations = [
            .. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM }.Select(signal => PosixSignalRegistration.Create(signal, Stop))];
    }

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
        _source.Dispose();
    }

    private void Stop(PosixSignalContext context)
    {
        context.Cancel = true;
        if (Interlocked.Increment(ref _received) == 1)
        {
            _terminal.Say("stopping after the current operation; a second signal ends at once.");
            _source.Cancel();
            return;
        }

        // Not Environment.Exit, which would run libtorch's exit handlers while its threads compute.
        if (OperatingSystem.IsWindows())
            System.Diagnostics.Process.GetCurrentProcess().Kill();
        else
            Exit(App.Cancelled);
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void Exit(int code);
}
