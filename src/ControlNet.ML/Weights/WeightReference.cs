using System.Security.Cryptography;
using ControlNet.ML.Components;

namespace ControlNet.ML.Weights;

/// <summary>
/// What a saved component remembers of a model or control network that it needs: where it was, what was in it, how it was loaded. The folder or
/// file may lie anywhere, as its owner chose; whoever made the saved model chooses no more than that: of the folder, only files with
/// plain names and the endings of weights and settings are read, regular ones, and it has to hold all that are named, as they were.
/// </summary>
/// <param name="Name">The name of an embedded model or network, else the full path of a folder or file.</param>
/// <param name="Variant">The variant of the weight files, or null.</param>
/// <param name="Precision">What the networks compute in.</param>
/// <param name="Device">The device that was asked for by name, or null.</param>
/// <param name="Files">Every file that was read.</param>
internal sealed record WeightReference(string Name, string? Variant, Precision Precision, string? Device, WeightFile[] Files)
{
    /// <summary>The environment variable that lists folders to look in, besides where the weights were.</summary>
    public const string FoldersVariable = "CONTROLNET_MODELS";

    private const int LongestName = 4096, MostFiles = 1000;

    /// <summary>Of a model: the networks that are needed.</summary>
    public ModelParts Parts { get; init; } = ModelParts.All;

    /// <summary>Of a control network: whether only its condition encoder is needed.</summary>
    public bool ConditionEncoderOnly { get; init; }

    /// <summary>The files, where they are in the saved model itself.</summary>
    public InsideFile[]? Inside { get; init; }

    /// <summary>The name of the file, where a network that is in the saved model is a single one.</summary>
    public string? SingleFile { get; init; }

    /// <summary>How to load it. The runtime is the application's own.</summary>
    public LoadOptions ToOptions() => new() { Variant = Variant, Precision = Precision, Device = Device, Parts = Parts, ConditionEncoderOnly = ConditionEncoderOnly };

    /// <summary>With a name that says what it is, where no name has to say where it is.</summary>
    public WeightReference Called(string title) => Inside is null ? this : this with { Name = title };

    /// <summary>Where it lies: in the files that a saved model brought, or wherever they are found.</summary>
    /// <param name="find">Finds the files of a name or path, and throws if there are none.</param>
    /// <exception cref="ControlNetException">They are nowhere, or others.</exception>
    public string Locate(Func<string, string> find) => Inside is null ? Find(find) : Name;

    /// <summary>Throws if a reference that was read names what no saved one does.</summary>
    /// <exception cref="ControlNetException">It does.</exception>
    public void Check()
    {
        if (Name.Length is 0 or > LongestName || Name.Contains('\0', StringComparison.Ordinal))
            throw new ControlNetException($"The weights are called {Message.Name(Name)}, expected a name or path.");
        var names = Inside is null ? Files.Select(file => (file.Name, file.Sha256)).ToList() : [.. Inside.Select(file => (file.Name, file.Sha256))];
        if (names.Count is 0 or > MostFiles)
            throw new ControlNetException($"The weights {Message.Name(Name)} have {names.Count:N0} files, expected 1 to {MostFiles:N0}.");
        foreach (var (name, digest) in names)
        {
            if (!PlainFileName.IsOfModel(name))
                throw new ControlNetException($"The weights {Message.Name(Name)} have a file {Message.Name(name)}, expected names below their folder that end in .safetensors, .json or .txt.");
            if (digest.Length != 2 * SHA256.HashSizeInBytes || !digest.All(char.IsAsciiHexDigitLower))
                throw new ControlNetException($"The file {Message.Name(name)} has the SHA-256 {Message.Name(digest)}, expected 64 hexadecimal digits.");
        }

        // A name that others continue would have to be a file and a folder; on some systems upper and lower case are the same.
        var sorted = names.Select(file => file.Name.ToUpperInvariant()).Order(StringComparer.Ordinal).ToList();
        foreach (var name in sorted)
        {
            if (sorted.Count(other => other == name || other.StartsWith(name + "/", StringComparison.Ordinal)) > 1)
                throw new ControlNetException($"The weights {Message.Name(Name)} have a file {Message.Name(name)} twice, or as a folder, too.");
        }

        if (SingleFile is not null && names.All(file => file.Name != SingleFile))
            throw new ControlNetException($"The weights are the file {Message.Name(SingleFile)}, expected one of {Message.List([.. names.Select(file => Message.Name(file.Name))])}.");
    }

    /// <summary>Of a model: reads all its files once.</summary>
    public static WeightReference Of(DiffusionModel model) => Of(model, model.Folder.Loaded);

    /// <summary>Of some networks of a model, with all configurations.</summary>
    public static WeightReference Of(DiffusionModel model, ModelParts parts)
    {
        var folder = model.Folder;
        var weights = folder.Index.Parts.Where(part => part is ("unet" or "vae" or "text_encoder" or "text_encoder_2") && IsWanted(part)).SelectMany(folder.PartFiles);
        var settings = folder.Index.Parts.Where(part => IsWanted(part) || part is not ("tokenizer" or "tokenizer_2")).SelectMany(part => Settings(folder.Folder(part)));
        var index = Directory.EnumerateFiles(folder.Path, "model_index.json");
        var name = IsPackage(model.Name, ModelPackages.FindFolder, folder.Path) ? model.Name : folder.Path;
        return Of(name, model.Options, folder.Path, [.. index, .. settings, .. weights]) with { Parts = parts };

        bool IsWanted(string part) => parts.HasFlag(ModelFolder.PartsOf(part));
    }

    /// <summary>Of a control network in a folder with a configuration and one file of weights.</summary>
    public static WeightReference OfFolder(string name, LoadOptions options, string folder) =>
        Of(name, options, folder, Directory.EnumerateFiles(folder)) with { ConditionEncoderOnly = options.ConditionEncoderOnly };

    /// <summary>Of a control network: reads all its files once.</summary>
    public static WeightReference Of(ControlNetwork network)
    {
        var (path, options) = (network.Path, network.Options);
        if (!Directory.Exists(path))
        {
            var settings = Path.ChangeExtension(path, ".json");
            return Of(path, options, Path.GetDirectoryName(path)!, File.Exists(settings) ? [path, settings] : [path]);
        }

        using var weights = network.OpenWeights();
        var name = IsPackage(network.Name, _ => ModelNames.FindControl(network.Name), path) ? network.Name : path;
        return Of(name, options, path, [.. Settings(path), .. weights.Files.Select(file => file.Path)]) with { ConditionEncoderOnly = options.ConditionEncoderOnly };
    }

    /// <summary>What to load now: the same name if the files are there, else that in a folder of CONTROLNET_MODELS.</summary>
    /// <param name="find">Finds the files of a name or path, and throws if there are none.</param>
    /// <exception cref="ControlNetException">They are nowhere, or others.</exception>
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
            $"The weights {Message.Name(Name)} that the model was saved with are not found: {string.Join("; ", failures)}. " +
            $"If they have moved, name the folder they lie in in {FoldersVariable}.");
    }

    private static WeightReference Of(string name, LoadOptions options, string root, IEnumerable<string> files) => new(
        name, options.Variant, options.Precision, options.Device,
        [.. files.Distinct().Order(StringComparer.Ordinal).Select(file => new WeightFile(Path.GetRelativePath(root, file).Replace('\\', '/'), Digest(file)))]);

    private static IEnumerable<string> Settings(string folder) =>
        Directory.EnumerateFiles(folder).Where(file => Path.GetExtension(file) is ".json" or ".txt" && PlainFileName.IsPlain(Path.GetFileName(file)));

    private static bool IsPackage(string name, Func<string, string?> find, string path) =>
        !Path.IsPathRooted(name) && !Path.Exists(name) && find(name) is { } found && Path.GetFullPath(found) == path;

    /// <summary>The SHA-256 of a file's content, in hexadecimal.</summary>
    /// <exception cref="ControlNetException">It is no regular file, or cannot be read.</exception>
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
                failures.Add($"{Name}: is on another computer, to which no model leads by itself");
            else
                known = find(Name);
        }
        catch (ControlNetException)
        {
            failures.Add($"{Name}: is not there");
        }

        if (known is not null)
            yield return (Name, known);

        // The path may be another system's.
        var last = Name.Split('/', '\\')[^1];
        if (last is "" or "." or "..")
            yield break;
        foreach (var folder in (Environment.GetEnvironmentVariable(FoldersVariable) ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
            yield return (Path.Combine(folder, last), Path.Combine(folder, last));
    }

    /// <summary>Windows would introduce the user to any computer that a path names.</summary>
    private static bool IsRemote(string name) => OperatingSystem.IsWindows() && name.Length > 1 && name[0] is '/' or '\\' && name[1] is '/' or '\\';

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
                    return $"{Message.Name(name)} is another file, with SHA-256 {found[..16]}…, expected {digest[..16]}…";
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
