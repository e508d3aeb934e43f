using System.Runtime.InteropServices;

namespace ControlNet.ML.Cli;

/// <summary>
/// Ctrl-C, SIGTERM as Slurm and Kubernetes send it, and SIGUSR1, which job schedulers send ahead of a time limit. The first signal asks the
/// command to stop, and leaves it the time for its current operation and checkpoint: a process that exits while libtorch computes crashes.
/// The second Ctrl-C or SIGTERM ends the process at once. SIGUSR1 does not count: the scheduler's SIGTERM at the limit follows it.
/// </summary>
internal sealed partial class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;
    private readonly Terminal _terminal;
    private int _received;
    private int _asked;

    /// <summary>Handles signals until it is disposed.</summary>
    /// <param name="terminal">Where to report that the command is stopping.</param>
    public StopSignals(Terminal terminal)
    {
        _terminal = terminal;
        _registrations = [
            .. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM }.Select(signal => PosixSignalRegistration.Create(signal, Stop)),
            .. OperatingSystem.IsWindows() ? [] : new[] { PosixSignalRegistration.Create(User1, StopEarly) }];
    }

    /// <summary>SIGUSR1, which has no name in .NET and the number of its system: BSD's on macOS.</summary>
    private static PosixSignal User1 => (PosixSignal)(OperatingSystem.IsMacOS() ? 30 : 10);

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
            Ask("stopping after the current operation; a second signal ends at once.");
            return;
        }

        // Not Environment.Exit, which would run libtorch's exit handlers while its threads compute.
        if (OperatingSystem.IsWindows())
            System.Diagnostics.Process.GetCurrentProcess().Kill();
        else
            Exit(App.Cancelled);
    }

    private void StopEarly(PosixSignalContext context)
    {
        context.Cancel = true;
        Ask("stopping after the current operation, as SIGUSR1 asks.");
    }

    private void Ask(string message)
    {
        if (Interlocked.Exchange(ref _asked, 1) != 0)
            return;
        _terminal.Say(message);
        _source.Cancel();
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void Exit(int code);
}
