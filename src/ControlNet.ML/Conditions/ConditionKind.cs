using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>One way to make a condition from an image.</summary>
public sealed class ConditionKind
{
    private readonly Func<object?, IPreprocessor> _open;
    private readonly Func<object?, IReadOnlyList<string>> _files;

    private ConditionKind(
        string name, string description, object? defaults, bool isLearned, bool needsFile, Func<object?, IPreprocessor> open,
        Func<object?, IReadOnlyList<string>>? files = null)
    {
        (Name, Description, Defaults, IsLearned, NeedsFile, _open) = (name, description, defaults, isLearned, needsFile, open);
        _files = files ?? (_ => []);
    }

    /// <summary>The name that users type, in lower case.</summary>
    public string Name { get; }

    /// <summary>One line for a list of kinds.</summary>
    public string Description { get; }

    /// <summary>The default options, a record to change using <c>with</c>; null if there are none.</summary>
    public object? Defaults { get; }

    /// <summary>The type of the options; null if there are none.</summary>
    public Type? OptionsType => Defaults?.GetType();

    /// <summary>Whether a network makes the condition.</summary>
    public bool IsLearned { get; }

    /// <summary>Whether the options have to name the network's file.</summary>
    public bool NeedsFile { get; }

    /// <summary>
    /// Makes the condition of one image. For several images, <see cref="Open"/> it once, so that a learned one loads its network once.
    /// </summary>
    /// <param name="image">The image.</param>
    /// <param name="options">Of type <see cref="OptionsType"/>; null for the defaults.</param>
    /// <returns>A new image of the same size.</returns>
    /// <exception cref="ControlNetException">An option is out of range, or the network's file is missing or unsupported.</exception>
    public ImageBuffer Apply(ImageBuffer image, object? options = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        using var preprocessor = Open(options);
        return preprocessor.Apply(image);
    }

    /// <summary>Creates a preprocessor for any number of images.</summary>
    /// <param name="options">Of type <see cref="OptionsType"/>; null for the defaults. Ranges are checked with the first image.</param>
    /// <returns>The preprocessor; the caller disposes it.</returns>
    /// <exception cref="ControlNetException">The network's file is missing or unsupported.</exception>
    /// <exception cref="ArgumentException">The options belong to another kind.</exception>
    public IPreprocessor Open(object? options = null)
    {
        if (options is not null && options.GetType() != OptionsType)
            throw new ArgumentException(
                $"'{Name}' takes {OptionsType?.Name ?? "no options"}, got {options.GetType().Name}.", nameof(options));
        return _open(options ?? Defaults);
    }

    /// <summary>Parses options from texts, such as those of a command line, on top of the defaults.</summary>
    /// <param name="settings">
    /// NAME=VALUE each; names are those of the options' properties, without regard to case, dashes and underscores.
    /// </param>
    /// <returns>Options for <see cref="Apply"/>; null if the kind has none and there are no settings.</returns>
    /// <exception cref="ControlNetException">A name is unknown or a value cannot be parsed.</exception>
    public object? ParseOptions(IEnumerable<string> settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        if (Defaults is not null)
            return OptionTexts.Parse(Defaults, settings, Name);
        return settings.FirstOrDefault() is { } setting
            ? throw new ControlNetException($"'{Name}' takes no options, found '{setting}'.")
            : null;
    }

    /// <summary>Whether a setting, NAME=VALUE, names one of the kind's options.</summary>
    /// <param name="setting">The setting.</param>
    /// <returns>True if it does.</returns>
    public bool HasOption(string setting)
    {
        ArgumentNullException.ThrowIfNull(setting);
        return Defaults is not null && OptionTexts.Has(Defaults, setting);
    }

    /// <summary>A kind that a network makes.</summary>
    /// <typeparam name="TOptions">A record whose properties are bool, int, double, string or an enum.</typeparam>
    /// <param name="name">The name that users type, in lower case.</param>
    /// <param name="description">One line for a list of kinds.</param>
    /// <param name="open">Loads the network that the options name.</param>
    /// <param name="needsFile">Whether the options have to name a file.</param>
    /// <param name="files">
    /// All files that the network is read from, of which saved ML.NET models record the SHA-256; null if there are none.
    /// </param>
    /// <returns>The kind, for a catalog.</returns>
    public static ConditionKind Learned<TOptions>(
        string name, string description, Func<TOptions, IPreprocessor> open, bool needsFile = true,
        Func<TOptions, IReadOnlyList<string>>? files = null)
        where TOptions : class, new()
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(open);
        return new(
            name, description, new TOptions(), true, needsFile, options => open((TOptions)options!),
            files is null ? null : options => files((TOptions)options!));
    }

    /// <summary>The files that the network of some options is read from.</summary>
    /// <param name="options">Of type <see cref="OptionsType"/>; null for the defaults.</param>
    /// <exception cref="ControlNetException">A file is missing or unsupported.</exception>
    internal IReadOnlyList<string> FilesOf(object? options) => _files(options ?? Defaults);

    /// <summary>A kind with options.</summary>
    internal static ConditionKind Of<TOptions>(string name, string description, Func<ImageBuffer, TOptions, ImageBuffer> apply)
        where TOptions : class, new() =>
            new(name, description, new TOptions(), false, false, options => new Function(image => apply(image, (TOptions)options!)));

    /// <summary>A kind without options.</summary>
    internal static ConditionKind Of(string name, string description, Func<ImageBuffer, ImageBuffer> apply) =>
        new(name, description, null, false, false, _ => new Function(apply));

    private sealed class Function(Func<ImageBuffer, ImageBuffer> apply) : IPreprocessor
    {
        public ImageBuffer Apply(ImageBuffer image)
        {
            ArgumentNullException.ThrowIfNull(image);
            return apply(image);
        }

        public void Dispose()
        {
        }
    }
}
