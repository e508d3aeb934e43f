using ControlNet.ML.Diffusion;
using ControlNet.ML.Weights.Graphs;

namespace ControlNet.ML.Weights;

/// <summary>What a name, folder or file of weights is.</summary>
internal enum SourceKind
{
    /// <summary>A base model, or nothing that is there.</summary>
    Model,

    /// <summary>A control network.</summary>
    Control,

    /// <summary>A file of weights of another kind.</summary>
    Other,
}

/// <summary>Tells them apart.</summary>
internal static class SourceKinds
{
    /// <summary>The kind: of a file by its tensors, of a folder by what is in it, of a name by the embedded networks.</summary>
    /// <param name="name">A name or path.</param>
    /// <exception cref="ControlNetException">It is a file that cannot be read.</exception>
    public static SourceKind Of(string name)
    {
        if (Directory.Exists(name))
        {
            var isControl = !File.Exists(Path.Combine(name, ModelFolder.IndexName)) && !Directory.Exists(Path.Combine(name, "unet"))
                && (File.Exists(Path.Combine(name, "config.json")) || ControlSource.GraphOf(name) is not null);
            return isControl ? SourceKind.Control : SourceKind.Model;
        }

        if (!File.Exists(name))
        {
            var isNetwork = ModelNames.EmbeddedControls.Contains(name) || BuiltInControl.TryParse(name, out _);
            return isNetwork ? SourceKind.Control : SourceKind.Model;
        }

        if (ControlSource.GraphOf(name) is { } graph)
            return Backends.Graphs.Kind(graph) == GraphKind.ControlNetwork ? SourceKind.Control : SourceKind.Other;
        using var file = TensorFile.Open(name);
        return WeightKind.Recognise(file) switch
        {
            { Network: NetworkKind.ControlNetwork } => SourceKind.Control,
            { IsBaseModel: true } or { Network: NetworkKind.UNet } => SourceKind.Model,
            _ => SourceKind.Other,
        };
    }
}
