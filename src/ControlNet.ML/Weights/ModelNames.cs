namespace ControlNet.ML.Weights;

/// <summary>Resolves the names and paths of models and control networks.</summary>
public static class ModelNames
{
    /// <summary>The folder of a model.</summary>
    /// <param name="nameOrPath">The name of an embedded model, or a folder.</param>
    /// <returns>The path.</returns>
    /// <exception cref="ControlNetException">There is no such model; the message suggests the nearest name.</exception>
    public static string FindModel(string nameOrPath)
    {
        ArgumentException.ThrowIfNullOrEmpty(nameOrPath);
        if (Path.Exists(nameOrPath))
            return nameOrPath;
        if (ModelPackages.FindFolder(nameOrPath) is { } folder)
            return folder;
        throw new ControlNetException(
            $"No model {Message.Name(nameOrPath)}: "
                + $"expected a folder in diffusers' layout or an embedded model{Suggest(nameOrPath, ModelPackages.Names)}");
    }

    /// <summary>The folder or file of a control network.</summary>
    /// <param name="nameOrPath">MODEL/NETWORK of an embedded model, a folder or a file.</param>
    /// <returns>The path.</returns>
    /// <exception cref="ControlNetException">There is no such network; the message suggests the nearest name.</exception>
    public static string FindControl(string nameOrPath)
    {
        ArgumentException.ThrowIfNullOrEmpty(nameOrPath);
        if (Path.Exists(nameOrPath))
            return nameOrPath;
        if (nameOrPath.Split('/') is [var model, var network]
            && ModelPackages.FindFolder(model) is { } folder
            && ControlsOf(folder).Contains(network))
        {
            return Path.Combine(folder, "controlnet", network);
        }

        throw new ControlNetException(
            $"No control network {Message.Name(nameOrPath)}: expected a folder, "
                + $"a .safetensors file or an embedded network{Suggest(nameOrPath, EmbeddedControls)}");
    }

    /// <summary>The embedded control networks, as MODEL/NETWORK.</summary>
    public static IReadOnlyList<string> EmbeddedControls =>
        [.. ModelPackages.Names.SelectMany(model => ControlsOf(ModelPackages.FindFolder(model)!).Select(network => $"{model}/{network}"))];

    /// <summary>The names of the control networks in a model's folder.</summary>
    /// <param name="modelFolder">The model's folder.</param>
    /// <returns>The names, sorted; empty if there are none.</returns>
    public static IReadOnlyList<string> ControlsOf(string modelFolder)
    {
        var controls = Path.Combine(modelFolder, "controlnet");
        return Directory.Exists(controls)
            ? [.. Directory.EnumerateDirectories(controls).Where(d => File.Exists(Path.Combine(d, "config.json")))
                .Select(Path.GetFileName).Order(StringComparer.Ordinal)!]
            : [];
    }

    private static string Suggest(string name, IReadOnlyList<string> known)
    {
        var nearest = NearestName.Suggest(name, known);
        return (known.Count == 0 ? "." : $" ({string.Join(", ", known)}).") + (nearest is null ? "" : $" Did you mean '{nearest}'?");
    }
}
