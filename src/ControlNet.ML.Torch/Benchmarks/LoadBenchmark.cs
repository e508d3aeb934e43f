using System.Diagnostics;
using System.Runtime.InteropServices;
using ControlNet.ML.Configuration;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Native;
using ControlNet.ML.Weights;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Benchmarks;

/// <summary>
/// Loads a full-size UNet of Stable Diffusion 1.5 (1.7 GB) from a float16 file: time, and peak memory relative to the size of the weights.
/// </summary>
internal static class LoadBenchmark
{
    /// <summary>Writes the file: the released shapes with meaningless values.</summary>
    /// <param name="folder">The folder to write to.</param>
    public static void Write(string folder)
    {
        TorchNative.EnsureLoaded();
        using var scope = NewDisposeScope();
        using var unet = Unset.On(ScalarType.Float32, META, () => new UNet2DConditionModel(UNetConfig.StableDiffusion15));
        var block = new byte[1 << 20];
        MemoryMarshal.Cast<byte, Half>(block.AsSpan()).Fill((Half)0.01f);
        SafetensorsWriter.Write(
            Path.Combine(folder, "diffusion_pytorch_model.safetensors"),
            StateDict.Shapes(unet).Select(
                entry => new TensorContent(entry.Name, TensorType.F16, entry.Shape, stream => Fill(stream, entry.Shape, block))));
    }

    /// <summary>Loads the file.</summary>
    /// <param name="folder">The folder that <see cref="Write"/> wrote to.</param>
    /// <param name="precision">Precision of the network.</param>
    public static LoadResult Read(string folder, Precision precision)
    {
        TorchNative.EnsureLoaded();
        var device = TorchDevice.From(new LoadOptions { Precision = precision, Device = "cpu" });
        using (ones(1))
        {
            // The first tensor initialises libtorch, whose own memory is not part of loading.
        }

        var before = ProcessMemory.Peak();
        var clock = Stopwatch.StartNew();
        using var weights = WeightSource.Open(folder, NetworkKind.UNet);
        using var unet = StateDict.Load(() => new UNet2DConditionModel(UNetConfig.StableDiffusion15), weights, device.Type, device.Device);
        var seconds = clock.Elapsed.TotalSeconds;
        var resident = unet.parameters().Sum(p => p.numel() * p.element_size());
        return new LoadResult(
            device.ToString(), weights.Tensors.Values.Sum(t => t.ByteLength), resident, before, ProcessMemory.Peak(), seconds);
    }

    /// <summary>Writes a float16 tensor of a shape from a block of any numbers.</summary>
    public static void Fill(Stream stream, long[] shape, byte[] block)
    {
        var left = shape.Aggregate(2L, (bytes, size) => bytes * size);
        for (; left > 0; left -= block.Length)
            stream.Write(block.AsSpan(0, (int)Math.Min(left, block.Length)));
    }
}

/// <summary>The measurements.</summary>
/// <param name="Device">Runtime, device, precision.</param>
/// <param name="FileBytes">Size of the tensors in the file.</param>
/// <param name="ResidentBytes">Size of the loaded weights.</param>
/// <param name="BeforeBytes">Peak memory of the process before loading: the runtimes themselves.</param>
/// <param name="PeakBytes">Peak memory of the process after loading.</param>
/// <param name="Seconds">Loading time, in seconds.</param>
internal sealed record LoadResult(string Device, long FileBytes, long ResidentBytes, long BeforeBytes, long PeakBytes, double Seconds);
