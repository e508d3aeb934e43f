using System.Globalization;
using System.Runtime.InteropServices;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Native;
using ControlNet.ML.Weights;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch;

/// <summary>
/// Loads weights into networks without a second copy of the model: every tensor is converted from the mapped file into its parameter,
/// and its pages are released before the next one is read.
/// </summary>
internal static class StateDict
{
    private const long StagedElements = 1 << 18;

    /// <summary>Builds a network and loads its weights.</summary>
    /// <param name="build">Builds the network.</param>
    /// <param name="source">Its weights; every name and shape has to match.</param>
    /// <param name="type">Its data type.</param>
    /// <param name="device">Its device.</param>
    /// <param name="loaded">Receives the number of bytes read.</param>
    /// <param name="cancellationToken">Checked before each tensor.</param>
    public static T Load<T>(
        Func<T> build, WeightSource source, ScalarType type, Device device, Action<long>? loaded = null,
        CancellationToken cancellationToken = default)
        where T : Module
    {
        // The shapes are compared on the meta device first, so that a wrong file is refused before memory is allocated.
        IReadOnlyList<WeightTensor> tensors;
        using (var shapes = Unset.On(ScalarType.Float32, META, build))
            tensors = WeightLoader.Match(source, Shapes(shapes));

        EnsureFits(tensors, type, device);
        T? network = null;
        try
        {
            network = Unset.On(type, device, build);
            var byName = tensors.ToDictionary(tensor => tensor.Name);
            foreach (var (name, parameter) in network.named_parameters())
            {
                cancellationToken.ThrowIfCancellationRequested();
                Fill(parameter, byName[name]);
                byName[name].ReleasePages();
                loaded?.Invoke(byName[name].ByteLength);
            }

            network.eval();
            return network;
        }
        catch (Exception error) when (ImageMemory.IsExhaustion(error))
        {
            network?.Dispose();
            throw TooLarge(tensors, type, error);
        }
        catch
        {
            network?.Dispose();
            throw;
        }
    }

    /// <summary>Throws if a network's weights are larger than the free memory.</summary>
    /// <param name="tensors">The weights.</param>
    /// <param name="type">The network's data type.</param>
    /// <param name="device">Its device; only the machine's own memory is known.</param>
    public static void EnsureFits(IReadOnlyList<WeightTensor> tensors, ScalarType type, Device device)
    {
        if (device.type == TorchSharp.DeviceType.CPU && Bytes(tensors, type) > FreeMemory.Bytes)
            throw TooLarge(tensors, type, null);
    }

    /// <summary>The memory that weights take in a data type, in bytes.</summary>
    public static long Bytes(IEnumerable<WeightTensor> tensors, ScalarType type) =>
        tensors.Sum(tensor => tensor.Count) * TorchDevice.SizeOf(type);

    private static ControlNetException TooLarge(IReadOnlyList<WeightTensor> tensors, ScalarType type, Exception? error) => new(
        string.Create(
            CultureInfo.InvariantCulture,
            $"{tensors[0].File.Name}: the weights take {Bytes(tensors, type) / (double)(1 << 30):0.0} GB and more memory than there is: "
                + $"expected as much free memory, or --precision bf16, which takes half of float32."),
        error!);

    /// <summary>Names and shapes of a network's parameters.</summary>
    public static IEnumerable<(string Name, long[] Shape)> Shapes(Module network) =>
        network.named_parameters().Select(entry => (entry.name, entry.parameter.shape));

    private static void Fill(Parameter parameter, WeightTensor tensor)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        if (parameter.device_type == TorchSharp.DeviceType.CPU && TypeOf(parameter.dtype) is { } type)
        {
            FillMemory(parameter, tensor, type);
            return;
        }

        // Another device: through a small buffer, piece by piece.
        var flat = parameter.view(-1);
        var staged = empty([Math.Min(StagedElements, tensor.Count)], dtype: ScalarType.Float32);
        for (long done = 0; done < tensor.Count; done += StagedElements)
        {
            var count = Math.Min(StagedElements, tensor.Count - done);
            tensor.CopyTo(done, MemoryMarshal.Cast<byte, float>(staged.bytes)[..(int)count]);
            flat.narrow(0, done, count).copy_(staged.narrow(0, 0, count));
        }
    }

    /// <summary>On all cores, since most of the time goes into the first touch of the memory's pages.</summary>
    private static unsafe void FillMemory(Parameter parameter, WeightTensor tensor, TensorType type)
    {
        var (size, pieces) = (type.Size(), (tensor.Count + StagedElements - 1) / StagedElements);
        fixed (byte* start = parameter.bytes)
        {
            var target = (nint)start;
            MemoryPages.MakeLarge(target, tensor.Count * size);
            Parallel.For(0L, pieces, piece =>
            {
                var first = piece * StagedElements;
                var count = (int)Math.Min(StagedElements, tensor.Count - first);
                tensor.CopyTo(first, type, new Span<byte>((byte*)target + (first * size), count * size));
            });
        }
    }

    private static TensorType? TypeOf(ScalarType type) => type switch
    {
        ScalarType.Float32 => TensorType.F32,
        ScalarType.Float16 => TensorType.F16,
        ScalarType.BFloat16 => TensorType.BF16,
        _ => null,
    };
}
