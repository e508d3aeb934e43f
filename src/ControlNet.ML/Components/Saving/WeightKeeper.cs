using System.Text;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Components;

/// <summary>Saves a component's weights as its options say: by reference, or inside the model.</summary>
internal static class WeightKeeper
{
    private const string WeightsName = "diffusion_pytorch_model.safetensors";

    /// <summary>Saves the networks of a model that the component uses.</summary>
    /// <param name="writer">The component's entries.</param>
    /// <param name="model">The model.</param>
    /// <param name="parts">The networks that the component uses.</param>
    /// <param name="storage">Where the weights are kept.</param>
    /// <param name="loras">The LoRAs of the component's options; null for a component without text or UNet.</param>
    /// <exception cref="ControlNetException">There are LoRAs or textual inversions, and the weights are kept inside the model.</exception>
    public static WeightReference Model(
        this ModelWriter writer,
        DiffusionModel model,
        ModelParts parts,
        WeightStorage storage,
        IReadOnlyList<LoraWeight>? loras = null)
    {
        if (loras is not null && AdapterReference.Of(model, loras) is { Length: > 0 } adapters)
        {
            return storage == WeightStorage.Reference && SharedWeights.PlacedOf(model) is null
                ? Checked(model.Reference.Value with { Adapters = adapters })
                : throw new ControlNetException(
                    $"The model has LoRAs or textual inversions ({Message.List([.. adapters.Select(a => Message.Name(a.Name))])}), which "
                        + $"are saved by reference only: expected {nameof(WeightStorage)}.{nameof(WeightStorage.Reference)}.");
        }

        if (SharedWeights.PlacedOf(model) is { } placed)
            return placed.Write(writer, "Model.");
        if (storage == WeightStorage.Reference)
            return Checked(model.Reference.Value);
        var (path, reference) = (model.Folder.Path, WeightReference.Of(model, parts & model.Folder.Loaded));
        return model.Folder.IsSingleFile
            ? Inside(writer, "Model.", Path.GetDirectoryName(path)!, reference with { SingleFile = Path.GetFileName(path) })
            : Inside(writer, "Model.", path, reference);
    }

    /// <summary>Saves controls with their networks, in full.</summary>
    public static ControlSettings[] Controls(this ModelWriter writer, IEnumerable<ControlColumn> controls, WeightStorage storage) =>
        [.. controls.Select((control, i) => ControlSettings.Of(control, writer.Control(control.Network, $"Control{i}.", storage)))];

    /// <summary>Saves a control network's condition encoder.</summary>
    public static WeightReference ConditionEncoder(this ModelWriter writer, ControlNetwork network, WeightStorage storage)
    {
        if (SharedWeights.PlacedOf(network) is { } placed)
            return placed.Write(writer, "Condition.");
        if (storage == WeightStorage.Reference)
            return Checked(network.Reference.Value);

        // Of graphs all are kept: which of them takes the condition is read from the network's own.
        if (network.Source().Graph is not null)
            return writer.Control(network, "Condition.", storage) with { ConditionEncoderOnly = true };

        // A separate file with only the condition encoder's tensors, which are few.
        using var folder = ScratchFolder.Create();
        AtomicFile.Write(folder.File("config.json"), stream => stream.Write(Encoding.UTF8.GetBytes(network.Config.ToJson())));
        using (var weights = network.OpenWeights())
        {
            weights.Keep(name => name.StartsWith(KeyMap.ConditionEncoderPrefix, StringComparison.Ordinal));
            SafetensorsWriter.Write(folder.File(WeightsName), weights.Tensors.Values.Select(Content));
        }

        var reference = WeightReference.OfFolder(
            network.Name, network.Options with { Variant = null, ConditionEncoderOnly = true }, folder.Path);
        return Inside(writer, "Condition.", folder.Path, reference);
    }

    private static WeightReference Control(this ModelWriter writer, ControlNetwork network, string prefix, WeightStorage storage)
    {
        if (SharedWeights.PlacedOf(network) is { } placed)
            return placed.Write(writer, prefix);
        var reference = Checked(network.Reference.Value);
        if (storage == WeightStorage.Reference)
            return reference;
        var isFile = File.Exists(network.Path);
        var root = isFile ? Path.GetDirectoryName(network.Path)! : network.Path;
        return Inside(writer, prefix, root, reference with { SingleFile = isFile ? Path.GetFileName(network.Path) : null });
    }

    private static WeightReference Inside(ModelWriter writer, string prefix, string root, WeightReference reference)
    {
        var files = Checked(reference).Files;
        return reference with
        {
            Files = [],
            Inside = InsideWeights.Write(
                writer, prefix, files, i => RegularFile.Open(Path.Combine(root, files[i].Name), files[i].Name, bufferSize: 1)),
        };
    }

    // A saved reference must be one that loading accepts.
    private static WeightReference Checked(WeightReference reference)
    {
        reference.Check();
        return reference;
    }

    private static TensorContent Content(WeightTensor tensor) => new(tensor.Name, TensorType.F32, tensor.Shape, stream =>
    {
        var values = new float[tensor.Count];
        tensor.CopyTo(values);
        stream.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(values));
    });
}
