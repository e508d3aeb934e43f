using System.Runtime.InteropServices;
using System.Text;
using ControlNet.ML.Configuration;
using ControlNet.ML.Pipelines;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Adapters;

/// <summary>
/// Moves a control network to another base model of its family by difference: p_new = p_control + p_target - p_base, for each tensor that
/// the network shares with the UNet. What only the network has (hint encoder, zero convolutions) is kept.
/// </summary>
public static class ControlTransfer
{
    private static readonly string WeightsName = NetworkKind.ControlNetwork.FileName() + WeightEndings.Safetensors;

    /// <summary>Writes the moved network, tensor by tensor.</summary>
    /// <param name="control">The control network: a name, a folder or a file.</param>
    /// <param name="from">The base model that it was trained on: a name or a folder.</param>
    /// <param name="to">The base model to move it to.</param>
    /// <param name="output">The folder for configuration and weights in float32, which must not exist yet, or be empty.</param>
    /// <param name="progress">Progress reports, from 0 to 1, on the calling thread.</param>
    /// <param name="cancellationToken">Checked between tensors; after a cancellation nothing is written.</param>
    /// <returns>The tensors that were moved, and those that were kept.</returns>
    /// <exception cref="ControlNetException">
    /// Files are missing or invalid, the three are not of one family, or the output exists or cannot be written.
    /// </exception>
    /// <exception cref="OperationCanceledException">The transfer was cancelled.</exception>
    public static ControlTransferResult Run(
        string control,
        string from,
        string to,
        string output,
        IProgress<double>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(control);
        ArgumentException.ThrowIfNullOrEmpty(from);
        ArgumentException.ThrowIfNullOrEmpty(to);
        ArgumentException.ThrowIfNullOrEmpty(output);
        var source = ControlSource.Open(ModelNames.FindControl(control, cancellationToken: cancellationToken));
        using var network = source.OpenWeights();
        using var before = UNet(from, control, source.Config, cancellationToken);
        using var after = UNet(to, control, source.Config, cancellationToken);

        List<string> moved = [], kept = [];
        foreach (var tensor in network.Tensors.Values)
            (Moves(tensor) ? moved : kept).Add(tensor.Name);
        if (moved.Count == 0)
            throw new ControlNetException($"{control}: shares no tensor with the UNet of '{from}', expected a copy of its encoder.");
        var done = 0;
        NewFolder.Write(output, folder =>
        {
            AtomicFile.Write(
                Path.Combine(folder, "config.json"), stream => stream.Write(Encoding.UTF8.GetBytes(source.Config.ToJson())));
            SafetensorsWriter.Write(
                Path.Combine(folder, WeightsName),
                network.Tensors.Values.Select(tensor => new TensorContent(tensor.Name, TensorType.F32, tensor.Shape, stream =>
                {
                    Write(stream, tensor, Moves(tensor) ? before.Tensors[tensor.Name] : null, after);
                    progress?.Report(++done / (double)network.Tensors.Count);
                })),
                new Dictionary<string, string>
                {
                    ["transfer"] = $"{Path.GetFileName(control)} + {Path.GetFileName(to)} - {Path.GetFileName(from)}",
                },
                cancellationToken);
        });
        return new ControlTransferResult(moved, kept);

        bool Moves(WeightTensor tensor) => Has(before, tensor) && Has(after, tensor);
    }

    /// <summary>The UNet's weights of a model of the network's family.</summary>
    private static WeightSource UNet(string model, string control, ControlNetConfig config, CancellationToken cancellationToken)
    {
        var options = new LoadOptions { Parts = ModelParts.UNet };
        var folder = ModelFolder.Open(ModelNames.FindModel(model, options, cancellationToken), options);
        ModelRequirements.CheckFamily(model, folder, control, config);
        return folder.OpenWeights("unet");
    }

    /// <summary>Whether a UNet has a tensor, of the same shape: an inpainting model's first convolution has more inputs.</summary>
    private static bool Has(WeightSource unet, WeightTensor tensor) =>
        unet.Tensors.TryGetValue(tensor.Name, out var other) && other.Shape.AsSpan().SequenceEqual(tensor.Shape);

    private static void Write(Stream stream, WeightTensor tensor, WeightTensor? before, WeightSource after)
    {
        // Piece by piece, since the largest tensors have many megabytes.
        const int piece = 1 << 18;
        float[] values = new float[(int)Math.Min(piece, tensor.Count)], added = new float[values.Length];
        for (long done = 0; done < tensor.Count; done += piece)
        {
            var count = (int)Math.Min(piece, tensor.Count - done);
            var part = values.AsSpan(0, count);
            tensor.CopyTo(done, part);
            if (before is not null)
            {
                // In this order, in float32: another order has other last digits.
                Add(after.Tensors[tensor.Name], 1);
                Add(before, -1);
            }

            stream.Write(MemoryMarshal.AsBytes(part));

            void Add(WeightTensor other, float sign)
            {
                other.CopyTo(done, added.AsSpan(0, count));
                for (var i = 0; i < count; i++)
                    values[i] += sign * added[i];
            }
        }
    }
}

/// <summary>What a transfer did.</summary>
/// <param name="Moved">Tensors that the network shares with the UNet.</param>
/// <param name="Kept">Tensors that only the network has, or whose shape differs between the models.</param>
public sealed record ControlTransferResult(IReadOnlyList<string> Moved, IReadOnlyList<string> Kept);
