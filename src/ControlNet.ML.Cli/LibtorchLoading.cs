using ControlNet.ML.Torch.Native;

namespace ControlNet.ML.Cli;

/// <summary>
/// Loads libtorch on another thread. Whoever needs it meanwhile waits for it, and so does the end of the command: a process that exits
/// while libtorch loads may crash.
/// </summary>
internal sealed class LibtorchLoading : IDisposable
{
    private readonly Task _loading = Task.Run(Load);

    public void Dispose() => _loading.GetAwaiter().GetResult();

    private static void Load()
    {
        try
        {
            TorchNative.EnsureLoaded();
        }
        catch (ControlNetException)
        {
            // Whoever needs libtorch gets the same error, and reports it.
        }
    }
}
