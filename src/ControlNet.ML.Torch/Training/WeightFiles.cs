using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using ControlNet.ML.Configuration;
using ControlNet.ML.Weights;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Training;

/// <summary>Writes and reads tensors as safetensors files, one tensor at a time.</summary>
internal static class WeightFiles
{
    /// <summary>Writes tensors as float32.</summary>
    /// <param name="path">The file.</param>
    /// <param name="tensors">Tensors by name, on any device.</param>
    /// <param name="metadata">Metadata for the header, or null.</param>
    public static void Write(
        string path, IEnumerable<(string Name, Tensor Tensor)> tensors, IReadOnlyDictionary<string, string>? metadata = null) =>
        SafetensorsWriter.Write(
            path,
            tensors.Select(
                entry => new TensorContent(entry.Name, TensorType.F32, entry.Tensor.shape, stream => Copy(entry.Tensor, stream))),
            metadata);

    /// <summary>Writes a control network in diffusers' layout: <c>config.json</c> and weights.</summary>
    /// <param name="folder">The folder; created if missing.</param>
    /// <param name="config">The network's configuration.</param>
    /// <param name="tensors">Its weights.</param>
    public static void WriteControl(string folder, ControlNetConfig config, IEnumerable<(string Name, Tensor Tensor)> tensors)
    {
        Directory.CreateDirectory(folder);
        WriteText(Path.Combine(folder, "config.json"), config.ToJson());
        Write(Path.Combine(folder, "diffusion_pytorch_model.safetensors"), tensors);
    }

    /// <summary>Writes text to a file under a temporary name and renames it.</summary>
    public static void WriteText(string path, string text) => AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    /// <summary>Reads a tensor into an existing one of the same shape.</summary>
    /// <param name="file">The file.</param>
    /// <param name="name">The tensor's name in it.</param>
    /// <param name="target">Receives the values; on any device, of any floating-point type.</param>
    /// <exception cref="ControlNetException">The tensor is missing or has another shape.</exception>
    public static void Read(SafetensorsFile file, string name, Tensor target)
    {
        if (!file.Entries.TryGetValue(name, out var entry))
            throw new ControlNetException($"{file.Name}: {Message.Name(name)} is missing.");
        if (!entry.Shape.AsSpan().SequenceEqual(target.shape))
            throw new ControlNetException(
                $"{file.Name}: {Message.Name(name)} is {Message.Shape(entry.Shape)}, expected {Message.Shape(target.shape)}.");
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var values = empty(target.shape, dtype: ScalarType.Float32);
        file.CopyTo(name, MemoryMarshal.Cast<byte, float>(values.bytes));
        target.copy_(values);
    }

    /// <summary>SHA-256 of weights, as hexadecimal digits: equal if the weights are equal bit for bit.</summary>
    public static string Fingerprint(IEnumerable<Tensor> weights)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var weight in weights)
        {
            using var scope = NewDisposeScope();
            hash.AppendData(weight.detach().cpu().contiguous().bytes);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Copy(Tensor tensor, Stream stream)
    {
        using var scope = NewDisposeScope();
        stream.Write(tensor.detach().to(ScalarType.Float32).cpu().contiguous().bytes);
    }
}
