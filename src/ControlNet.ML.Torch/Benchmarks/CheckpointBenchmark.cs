using System.Diagnostics;
using System.Runtime.InteropServices;
using ControlNet.ML.Configuration;
using ControlNet.ML.Torch.Native;
using ControlNet.ML.Weights;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Benchmarks;

/// <summary>
/// Loads a whole Stable Diffusion 1.5 model from one float16 file in the original naming (2.1 GB), safetensors or torch's: time relative to
/// merely reading the file, and peak memory relative to the size of the weights in memory.
/// </summary>
internal static class CheckpointBenchmark
{
    /// <summary>Writes the file: the released names and shapes with meaningless values.</summary>
    /// <param name="path">The file; <c>.ckpt</c> for torch's container.</param>
    public static void Write(string path)
    {
        var block = new byte[1 << 20];
        MemoryMarshal.Cast<byte, Half>(block.AsSpan()).Fill((Half)0.01f);
        KeyMap[] parts =
        [
            KeyMap.For(UNetConfig.StableDiffusion15), KeyMap.For(AutoencoderConfig.StableDiffusion15), KeyMap.For(ClipTextConfig.ClipL),
        ];
        var tensors = parts.SelectMany(map => map.Tensors).Select(tensor => new TensorContent(
            tensor.Original,
            TensorType.F16,
            tensor.OriginalShape,
            stream => LoadBenchmark.Fill(stream, tensor.OriginalShape, block))).ToList();
        if (path.EndsWith(".ckpt", StringComparison.Ordinal))
            TorchSaveWriter.Write(path, tensors, (stream, tensor) => LoadBenchmark.Fill(stream, tensor.Shape, block));
        else
            SafetensorsWriter.Write(path, tensors);
    }

    /// <summary>Reads the file, then loads it.</summary>
    /// <param name="path">The file that <see cref="Write"/> wrote.</param>
    /// <param name="precision">Precision of the UNet; text encoder and autoencoder are float32.</param>
    /// <returns>
    /// Seconds of merely reading the file, and of loading it until it can be used; the measurements with all weights in memory.
    /// </returns>
    public static (double ReadSeconds, double OpenSeconds, LoadResult Load) Run(string path, Precision precision)
    {
        TorchNative.EnsureLoaded();
        var options = new LoadOptions { Precision = precision, Device = "cpu" };
        using (ones(1))
        {
            // The first tensor initialises libtorch, whose own memory is not part of loading.
        }

        // Twice: the first time may read the disk.
        var read = 0.0;
        for (var i = 0; i < 2; i++)
            read = Read(path);
        var before = ProcessMemory.Peak();
        var clock = Stopwatch.StartNew();
        var folder = ModelFolder.Open(path, options);
        using var backend = TorchBackend.Load(folder, options, CancellationToken.None);
        var opened = clock.Elapsed.TotalSeconds;
        backend.Read(ModelParts.All, CancellationToken.None);
        var seconds = clock.Elapsed.TotalSeconds;
        var resident = backend.UNet.parameters().Concat(backend.Encoders).Sum(p => p.numel() * p.element_size());
        var result = new LoadResult(backend.Description, new FileInfo(path).Length, resident, before, ProcessMemory.Peak(), seconds);
        return (read, opened, result);
    }

    private static double Read(string path)
    {
        var clock = Stopwatch.StartNew();
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1);
        var block = new byte[1 << 17];
        while (stream.Read(block) > 0)
        {
            // As 'cat FILE > /dev/null'.
        }

        return clock.Elapsed.TotalSeconds;
    }
}
