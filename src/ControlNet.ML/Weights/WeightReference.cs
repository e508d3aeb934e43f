using System.Security.Cryptography;
using ControlNet.ML.Components;
using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Hub;
using ControlNet.ML.Weights.Graphs;

namespace ControlNet.ML.Weights;

/// <summary>
/// A saved component's reference to a model or control network: its location, its files with their checksums, and its load options. The
/// location may be any folder or file, but the author of a saved model controls nothing else: only regular files with plain names and the
/// extensions of weights and settings are read, and all named files must exist with the same contents.
/// </summary>
/// <param name="Name">The name of an embedded model or network, otherwise the full path of a folder or file.</param>
/// <param name="Variant">The variant of the weight files, or null.</param>
/// <param name="Precision">What the networks compute in.</param>
/// <param name="Device">The device if one was requested, or null.</param>
/// <param name="Files">All files that were read.</param>
internal sealed record WeightReference(string Name, string? Variant, Precision Precision, string? Device, WeightFile[] Files)
{
    /// <summary>The environment variable that lists further folders to search for weights.</summary>
    public const string FoldersVariable = "CONTROLNET_MODELS";

    private const int LongestName = 4096, MostFiles = 1000;

    /// <summary>For a model: the networks that are needed.</summary>
    public ModelParts Parts { get; init; } = ModelParts.All;

    /// <summary>For a control network: whether only its condition encoder is needed.</summary>
    public bool ConditionEncoderOnly { get; init; }

    /// <summary>The kernels, if they were chosen in the program.</summary>
    public KernelChoice? Kernels { get; init; }

    /// <summary>For a model: the autoencoder's precision, if one was requested.</summary>
    public Precision? VaePrecision { get; init; }

    /// <summary>For a model: whether its images are decoded and encoded in strips of rows.</summary>
    public bool Tiling { get; init; }

    /// <summary>For a model: whether the rows of a batch are computed one after the other.</summary>
    public bool LowMemory { get; init; }

    /// <summary>The files, if they are inside the saved model.</summary>
    public InsideFile[]? Inside { get; init; }

    /// <summary>The file's name, if the network inside the saved model is a single file.</summary>
    public string? SingleFile { get; init; }

    /// <summary>For a model: its LoRAs and textual inversions.</summary>
    public AdapterReference[]? Adapters { get; init; }

    /// <summary>
    /// The options to load it with. The runtime is the application's, of graphs the one that runs graphs: their folder may have weights,
    /// too. Of the hub only the cache is used: opening a saved model fetches nothing that its file names.
    /// </summary>
    public LoadOptions ToOptions() => new()
    {
        Variant = Variant,
        Precision = Precision,
        Device = Device,
        Parts = Parts,
        ConditionEncoderOnly = ConditionEncoderOnly,
        Kernels = Kernels,
        VaePrecision = VaePrecision,
        Tiling = Tiling,
        LowMemory = LowMemory,
        IsCachedOnly = true,
        Backend = HasGraphs ? Backends.For(isGraph: true) : null,
    };

    /// <summary>Whether it is to ONNX graphs.</summary>
    internal bool HasGraphs => (Inside is null ? Files.Select(file => file.Name) : Inside.Select(file => file.Name))
        .Any(name => name.EndsWith(ControlSource.GraphEnding, StringComparison.OrdinalIgnoreCase));

    /// <summary>The reference with a descriptive name, if the files are inside the saved model and the name need not locate them.</summary>
    public WeightReference Called(string title) => Inside is null ? this : this with { Name = title };

    /// <summary>The location: the files of the saved model, or wherever they are found.</summary>
    /// <param name="find">Finds the files of a name or path, and throws if there are none.</param>
    /// <exception cref="ControlNetException">The files are not found, or have changed.</exception>
    public string Locate(Func<string, string> find) => Inside is null ? Find(find) : Name;

    /// <summary>Throws if a loaded reference contains a name that no saved one has.</summary>
    /// <exception cref="ControlNetException">It does.</exception>
    public void Check()
    {
        if (Name.Length is 0 or > LongestName || Name.Contains('\0', StringComparison.Ordinal))
            throw new ControlNetException($"The weights are called {Message.Name(Name)}, expected a name or path.");
        var names = Inside is null
            ? Files.Select(file => (file.Name, file.Sha256)).ToList()
            : [.. Inside.Select(file => (file.Name, file.Sha256))];
        if (names.Count is 0 or > MostFiles)
            throw new ControlNetException($"The weights {Message.Name(Name)} have {names.Count:N0} files, expected 1 to {MostFiles:N0}.");
        foreach (var (name, digest) in names)
        {
            if (!PlainFileName.IsOfModel(name))
                throw new ControlNetException(
                    $"The weights {Message.Name(Name)} have a file {Message.Name(name)}, "
                        + $"expected names below their folder that end in {PlainFileName.KnownEndings}.");
            if (digest.Length != 2 * SHA256.HashSizeInBytes || !digest.All(char.IsAsciiHexDigitLower))
                throw new ControlNetException(
                    $"The file {Message.Name(name)} has the SHA-256 {Message.Name(digest)}, expected 64 hexadecimal digits.");
        }

        foreach (var adapter in Adapters ?? [])
            adapter.File.Check();

        // A name that is also the prefix of a path would be a file and a folder; some systems ignore case.
        var sorted = names.Select(file => file.Name.ToUpperInvariant()).Order(StringComparer.Ordinal).ToList();
        foreach (var name in sorted)
        {
            if (sorted.Count(other => other == name || other.StartsWith(name + "/", StringComparison.Ordinal)) > 1)
                throw new ControlNetException(
                    $"The weights {Message.Name(Name)} have a file {Message.Name(name)} twice, or also as a folder.");
        }

        if (SingleFile is not null && names.All(file => file.Name != SingleFile))
            throw new ControlNetException(
                $"The weights are the file {Message.Name(SingleFile)}, "
                    + $"expected one of {Message.List([.. names.Select(file => Message.Name(file.Name))])}.");
    }

    /// <summary>Creates the reference of a LoRA or textual inversion.</summary>
    public static WeightReference OfAdapter(string nameOrPath, string file, string sha256) =>
        new(nameOrPath, null, Precision.Float32, null, [new WeightFile(file, sha256)]);

    /// <summary>Creates the reference of a model: reads all its files once.</summary>
    public static WeightReference Of(DiffusionModel model) => Of(model, model.Folder.Loaded);

    /// <summary>Creates the reference of some networks of a model, with all configurations.</summary>
    public static WeightReference Of(DiffusionModel model, ModelParts parts)
    {
        var folder = model.Folder;

        // What such options name may be anywhere, and a reference is to one place.
        if (model.Options is not { Vae: null, Config: null, PredictionType: null, ExtractEma: false })
            throw new ControlNetException(
                $"{model.Name}: was loaded with a VAE, configuration, prediction type or averaged weights of its own, which a saved model "
                    + "does not record; convert it to a folder first (controlnet convert) and load that.");
        var weights = folder.Index.Parts.Where(part => part is ("unet" or "vae" or "text_encoder" or "text_encoder_2") && IsWanted(part))
            .SelectMany(folder.PartFiles);
        var settings = folder.Index.Parts.Where(part => IsWanted(part) || part is not ("tokenizer" or "tokenizer_2"))
            .SelectMany(folder.PartSettings);
        if (folder.IsSingleFile)
            return Of(folder.Path, model.Options, Path.GetDirectoryName(folder.Path)!, weights) with { Parts = parts };
        var index = new[] { ModelFolder.IndexName, GenerationConfig.FileName }
            .Select(name => Path.Combine(folder.Path, name)).Where(File.Exists);
        var name = IsPackage(model.Name, ModelPackages.FindFolder, folder.Path) ? model.Name
            : ModelHub.PinnedName(model.Name, folder.Path) ?? folder.Path;
        return Of(name, model.Options, folder.Path, [.. index, .. settings, .. weights]) with { Parts = parts };

        bool IsWanted(string part) => parts.HasFlag(ModelFolder.PartsOf(part));
    }

    /// <summary>Creates the reference of a control network in a folder with a configuration and one weight file.</summary>
    public static WeightReference OfFolder(string name, LoadOptions options, string folder) =>
        Of(name, options, folder, Directory.EnumerateFiles(folder)) with { ConditionEncoderOnly = options.ConditionEncoderOnly };

    /// <summary>Creates the reference of a control network: reads all its files once.</summary>
    public static WeightReference Of(ControlNetwork network)
    {
        var (path, options) = (network.Path, network.Options);
        if (network.Source().Graph is { } graph)
            return OfGraph(network, graph);
        if (ControlLora.IsAt(path))
            throw new ControlNetException(
                $"{network.Name}: is a Control-LoRA, whose base a saved model does not record: expected a control network with weights of "
                    + "its own.");
        if (!Directory.Exists(path))
        {
            var settings = Path.ChangeExtension(path, ".json");
            return Of(
                ModelHub.PinnedName(network.Name, path) ?? path, options, Path.GetDirectoryName(path)!,
                File.Exists(settings) ? [path, settings] : [path]);
        }

        var name = ModelHub.PinnedName(network.Name, path)
            ?? (IsPackage(network.Name, _ => ModelNames.FindControl(network.Name), path) ? network.Name : path);
        return Of(name, options, path, [.. Settings(path), .. network.Source().Files]) with
        {
            ConditionEncoderOnly = options.ConditionEncoderOnly,
        };
    }

    /// <summary>
    /// Creates the reference of a control network that is an ONNX graph: its graphs, their weights and the configuration.
    /// </summary>
    private static WeightReference OfGraph(ControlNetwork network, string graph)
    {
        if (BuiltInControl.TryParse(graph, out _))
            throw new ControlNetException(
                $"{network.Name}: is built into the UNet of a model, which a saved model does not record: expected a control network that "
                    + "is a graph of its own.");
        var root = Path.GetDirectoryName(Path.GetFullPath(graph))!;
        var settings = new[] { Path.Combine(root, "config.json") }.Where(File.Exists);
        var name = ModelHub.PinnedName(network.Name, network.Path) ?? network.Path;
        return Of(name, network.Options, root, [.. settings, .. network.Source().Files]) with
        {
            ConditionEncoderOnly = network.Options.ConditionEncoderOnly,
        };
    }

    /// <summary>The name to load now: the same one if its files are found, otherwise a folder or file in CONTROLNET_MODELS.</summary>
    /// <param name="find">Finds the files of a name or path, and throws if there are none.</param>
    /// <exception cref="ControlNetException">The files are not found, or have changed.</exception>
    public string Find(Func<string, string> find)
    {
        List<string> failures = [];
        foreach (var (name, path) in Candidates(find, failures))
        {
            if (Difference(path) is not { } difference)
                return name;
            failures.Add($"{path}: {difference}");
        }

        throw new ControlNetException(
            $"The weights {Message.Name(Name)} that the model was saved with were not found: {string.Join("; ", failures)}. " +
            $"If they have moved, add the folder that contains them to {FoldersVariable}.");
    }

    private static WeightReference Of(string name, LoadOptions options, string root, IEnumerable<string> files) => new(
        name, options.Variant, options.Precision, options.Device,
        [.. files.Distinct().Order(StringComparer.Ordinal)
            .Select(file => new WeightFile(Path.GetRelativePath(root, file).Replace('\\', '/'), Digest(file)))])
    {
        Kernels = options.Kernels,
        VaePrecision = options.VaePrecision,
        Tiling = options.Tiling,
        LowMemory = options.LowMemory,
    };

    private static IEnumerable<string> Settings(string folder) =>
        Directory.EnumerateFiles(folder)
            .Where(file => Path.GetExtension(file) is ".json" or ".txt" && PlainFileName.IsPlain(Path.GetFileName(file)));

    private static bool IsPackage(string name, Func<string, string?> find, string path) =>
        !Path.IsPathRooted(name) && !Path.Exists(name) && find(name) is { } found && Path.GetFullPath(found) == path;

    /// <summary>The SHA-256 of a file's content, in hexadecimal.</summary>
    /// <exception cref="ControlNetException">It is not a regular file, or cannot be read.</exception>
    public static string Digest(string file)
    {
        using var stream = RegularFile.Open(file, file, bufferSize: 1);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    private IEnumerable<(string Name, string Path)> Candidates(Func<string, string> find, List<string> failures)
    {
        string? known = null;
        try
        {
            if (IsRemote(Name))
                failures.Add($"{Name}: is on another computer, which a saved model may not access");
            else
                known = find(Name);
        }
        catch (ControlNetException)
        {
            failures.Add(ModelNames.FindHubId(Name) is null
                ? $"{Name}: does not exist"
                : $"{Name}: is not in the hub's cache; 'controlnet download' fetches it");
        }

        if (known is not null)
            yield return (Name, known);

        // The path may be from another system.
        var last = Name.Split('/', '\\')[^1];
        if (last is "" or "." or "..")
            yield break;
        foreach (var folder in (Environment.GetEnvironmentVariable(FoldersVariable) ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
            yield return (Path.Combine(folder, last), Path.Combine(folder, last));
    }

    /// <summary>Opening such a path would make Windows authenticate the user to any computer that it names.</summary>
    private static bool IsRemote(string name) =>
        OperatingSystem.IsWindows() && name.Length > 1 && name[0] is '/' or '\\' && name[1] is '/' or '\\';

    private string? Difference(string path)
    {
        var isFile = File.Exists(path);
        if (isFile && Files.All(file => file.Name != Path.GetFileName(path)))
            return $"is a file, expected a folder with {Message.List([.. Files.Select(file => Message.Name(file.Name))])}";
        var root = isFile ? Path.GetDirectoryName(Path.GetFullPath(path))! : path;
        foreach (var (name, digest) in Files)
        {
            var file = Path.Combine(root, name);
            if (!File.Exists(file))
                return $"{Message.Name(name)} is missing";
            try
            {
                if (Digest(file) is var found && found != digest)
                    return $"{Message.Name(name)} has changed: its SHA-256 is {found[..16]}…, expected {digest[..16]}…";
            }
            catch (ControlNetException error)
            {
                return error.Message;
            }
        }

        return null;
    }
}

/// <summary>A file that weights were read from.</summary>
/// <param name="Name">Its path relative to the folder, with slashes.</param>
/// <param name="Sha256">The SHA-256 of its content, in hexadecimal.</param>
internal sealed record WeightFile(string Name, string Sha256);
