using ControlNet.ML.Torch.Kernels;
using ControlNet.ML.Torch.Models;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch;

/// <summary>Keeps networks in memory while libtorch computes on them.</summary>
/// <param name="owner">The type that users know, for the exception.</param>
/// <param name="kernels">The kernels that compute; null for libtorch's own choice.</param>
internal sealed class NetworkUse(Type owner, KernelTable? kernels = null)
{
    private readonly UseCount _use = new(owner);

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
        var outer = Operations.Kernels;
        Operations.Kernels = kernels;
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
            Operations.Kernels = outer;
            kernels?.Save();
            Leave();
        }
    }

    /// <summary>Begins a call, which ends with <see cref="Leave"/>.</summary>
    /// <exception cref="ObjectDisposedException">The networks are disposed.</exception>
    public void Enter() => _use.Enter();

    /// <summary>Ends a call.</summary>
    public void Leave() => _use.Leave();

    /// <summary>Refuses new calls, waits for those in flight, then frees the networks, once.</summary>
    public void Close(Action free) => _use.Close(free);
}
