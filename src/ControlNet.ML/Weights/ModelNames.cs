using ControlNet.ML.Hub;
using ControlNet.ML.Weights.Graphs;

namespace ControlNet.ML.Weights;

/// <summary>Resolves the names and paths of models and control networks.</summary>
public static class ModelNames
{
    /// <summary>The folder of a model. A model of the hub that is not in the cache is fetched.</summary>
    /// <param name="nameOrPath">The name of an embedded model, a folder, or an id of the hub, <c>owner/name</c>.</param>
    /// <param name="options">For the hub: the variant, the parts, the progress. Null for the defaults.</param>
    /// <param name="cancellationToken">Stops a download.</param>
    /// <returns>The path.</returns>
    /// <exception cref="ControlNetException">
    /// There is no such model; the message suggests the nearest name. Or it cannot be fetched.
    /// </exception>
    /// <exception cref="OperationCanceledException">The download was cancelled.</exception>
    public static string FindModel(string nameOrPath, LoadOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(nameOrPath);
        if (Path.Exists(nameOrPath))
            return nameOrPath;
        if (ModelPackages.FindFolder(nameOrPath) is { } folder)
            return folder;
        if (FindHubId(nameOrPath) is { } id)
            return OfHub("model", id, options, HubLayout.Model, cancellationToken);
        throw new ControlNetException(
            $"No model {Message.Name(nameOrPath)}: expected a folder in diffusers' layout, a single file, owner/name of a model "
                + $"on the hub, or an embedded model{Suggest(nameOrPath, ModelPackages.Names)}");
    }

    /// <summary>The folder or file of a control network. A network of the hub that is not in the cache is fetched.</summary>
    /// <param name="nameOrPath">MODEL/NETWORK of an embedded model, a folder, a file, or an id of the hub, <c>owner/name</c>.</param>
    /// <param name="options">For the hub: the variant, the progress. Null for the defaults.</param>
    /// <param name="cancellationToken">Stops a download.</param>
    /// <returns>The path.</returns>
    /// <exception cref="ControlNetException">
    /// There is no such network; the message suggests the nearest name. Or it cannot be fetched.
    /// </exception>
    /// <exception cref="OperationCanceledException">The download was cancelled.</exception>
    public static string FindControl(string nameOrPath, LoadOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(nameOrPath);
        if (Path.Exists(nameOrPath) || BuiltInControl.TryParse(nameOrPath, out _))
            return nameOrPath;
        if (nameOrPath.Split('/') is [var model, var network]
            && ModelPackages.FindFolder(model) is { } folder
            && ControlsOf(folder).Contains(network))
        {
            return Path.Combine(folder, "controlnet", network);
        }

        if (FindHubId(nameOrPath) is { } id)
            return OfHub("control network", id, options, HubLayout.ControlNetwork, cancellationToken);
        throw new ControlNetException(
            $"No control network {Message.Name(nameOrPath)}: expected a folder, a file, owner/name of a network on the hub, "
                + $"or an embedded network{Suggest(nameOrPath, EmbeddedControls)}");
    }

    /// <summary>The folder or file of an autoencoder. One of the hub that is not in the cache is fetched.</summary>
    /// <param name="nameOrPath">A folder, a file, or an id of the hub, <c>owner/name</c>.</param>
    /// <param name="options">For the hub: the variant, the progress. Null for the defaults.</param>
    /// <param name="cancellationToken">Stops a download.</param>
    /// <returns>The path, which may not exist.</returns>
    /// <exception cref="ControlNetException">It cannot be fetched.</exception>
    /// <exception cref="OperationCanceledException">The download was cancelled.</exception>
    internal static string FindVae(string nameOrPath, LoadOptions? options = null, CancellationToken cancellationToken = default) =>
        FindHubId(nameOrPath) is { } id ? OfHub("VAE", id, options, expected: null, cancellationToken) : nameOrPath;

    /// <summary>The file of a LoRA or textual inversion. One of the hub that is not in the cache is fetched.</summary>
    /// <param name="what">What it is, for messages.</param>
    /// <param name="nameOrPath">A file, or an id of the hub, <c>owner/name</c> or <c>owner/name:file.safetensors</c>.</param>
    /// <param name="options">For the hub. Null for the defaults.</param>
    /// <param name="cancellationToken">Stops a download.</param>
    /// <returns>The path, which may not exist.</returns>
    /// <exception cref="ControlNetException">It cannot be fetched, or is no single file.</exception>
    /// <exception cref="OperationCanceledException">The download was cancelled.</exception>
    internal static string FindAdapter(
        string what, string nameOrPath, LoadOptions? options = null, CancellationToken cancellationToken = default) =>
        FindHubId(nameOrPath) is { } id ? OfHub(what, id, options, HubLayout.SingleFile, cancellationToken) : nameOrPath;

    /// <summary>
    /// The id of the hub that a name is; null if it is a path, or that of an embedded model or its network. <c>loras/style.safetensors</c>
    /// is a path even if there is no such file.
    /// </summary>
    internal static HubId? FindHubId(string name) =>
        !Path.Exists(name) && HubId.TryParse(name, out var id) && ModelPackages.FindFolder(id.Owner) is null
        && !(id.Path.Length == 0 && (WeightEndings.AreOf(id.Name) || ControlSource.IsGraph(id.Name)))
            ? id : null;

    /// <summary>Finds a model or control network, and splits its progress between its download, if there is one, and its loading.</summary>
    /// <param name="find">Finds it: <see cref="FindModel"/> or <see cref="FindControl"/>.</param>
    /// <param name="name">Its name.</param>
    /// <param name="options">How it is loaded.</param>
    /// <param name="cancellationToken">Stops a download.</param>
    /// <returns>Its path, and the options to load it with.</returns>
    internal static (string Path, LoadOptions Options) Locate(
        Func<string, LoadOptions, CancellationToken, string> find, string name, LoadOptions options, CancellationToken cancellationToken)
    {
        const double share = 0.9;
        if (options.Progress is not { } progress)
            return (find(name, options, cancellationToken), options);
        var download = new PartialProgress(progress, 0, share);
        var path = find(name, options with { Progress = download }, cancellationToken);
        return (path, download.IsUsed ? options with { Progress = new PartialProgress(progress, share, 1) } : options);
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
            ? [.. Directory.EnumerateDirectories(controls)
                .Where(d => File.Exists(Path.Combine(d, "config.json")) || ControlSource.GraphOf(d) is not null)
                .Select(Path.GetFileName).Order(StringComparer.Ordinal)!]
            : [];
    }

    private static string OfHub(
        string what, HubId id, LoadOptions? options, HubLayout? expected, CancellationToken cancellationToken)
    {
        try
        {
            return ModelHub.Resolve(id, options ?? new LoadOptions(), expected, cancellationToken);
        }
        catch (ControlNetException error)
        {
            // The name may be a mistyped path.
            throw new ControlNetException($"No {what} {Message.Name(id.ToString())} here, and on the hub: {error.Message}", error);
        }
    }

    private static string Suggest(string name, IReadOnlyList<string> known)
    {
        var nearest = NearestName.Suggest(name, known);
        return (known.Count == 0 ? "." : $" ({string.Join(", ", known)}).") + (nearest is null ? "" : $" Did you mean '{nearest}'?");
    }
}
