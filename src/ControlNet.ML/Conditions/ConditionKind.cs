using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>One way to make a condition from a picture.</summary>
public sealed class ConditionKind
{
    // Not-a-number is for the options' own check to refuse, with its message.
    private static readonly JsonSerializerOptions Lenient = new()
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter() },
    };

    private readonly Func<object?, IPreprocessor> _open;

    private ConditionKind(string name, string description, object? defaults, bool isLearned, Func<object?, IPreprocessor> open) =>
        (Name, Description, Defaults, IsLearned, _open) = (name, description, defaults, isLearned, open);

    /// <summary>The name that users type, in lower case.</summary>
    public string Name { get; }

    /// <summary>One line for a list of kinds.</summary>
    public string Description { get; }

    /// <summary>The options at their defaults, a record to be changed with <c>with</c>; null if there are none.</summary>
    public object? Defaults { get; }

    /// <summary>The type of the options; null if there are none.</summary>
    public Type? OptionsType => Defaults?.GetType();

    /// <summary>Whether a network makes it, whose file the options name.</summary>
    public bool IsLearned { get; }

    /// <summary>Makes the condition of one picture. For several, <see cref="Open"/> it once: a learned one then loads its network once.</summary>
    /// <param name="image">The picture.</param>
    /// <param name="options">Of type <see cref="OptionsType"/>; null for the defaults.</param>
    /// <returns>A new picture of the same size.</returns>
    /// <exception cref="ControlNetException">An option is out of its range, or the network's file is missing or not the right one.</exception>
    public ImageBuffer Apply(ImageBuffer image, object? options = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        using var preprocessor = Open(options);
        return preprocessor.Apply(image);
    }

    /// <summary>Makes ready for any number of pictures.</summary>
    /// <param name="options">Of type <see cref="OptionsType"/>; null for the defaults. Ranges are checked with the first picture.</param>
    /// <exception cref="ControlNetException">The network's file is missing or not the right one.</exception>
    public IPreprocessor Open(object? options = null)
    {
        if (options is not null && options.GetType() != OptionsType)
            throw new ArgumentException($"'{Name}' takes {OptionsType?.Name ?? "no options"}, got {options.GetType().Name}.", nameof(options));
        return _open(options ?? Defaults);
    }

    /// <summary>Reads options from texts, as a command line has them, on top of the defaults.</summary>
    /// <param name="settings">NAME=VALUE each; names as the options' properties, in any case, dashes and underscores aside.</param>
    /// <returns>Options for <see cref="Apply"/>; null if the kind has none and nothing was said.</returns>
    /// <exception cref="ControlNetException">A name is unknown or a value cannot be read.</exception>
    public object? ParseOptions(IEnumerable<string> settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var options = Defaults is null ? null : JsonSerializer.SerializeToNode(Defaults, OptionsType!, Lenient)!.AsObject();
        foreach (var setting in settings)
        {
            if (setting.Split('=', 2) is not [var name, var value])
                throw new ControlNetException($"The option '{setting}' of '{Name}' cannot be read, expected NAME=VALUE.");
            if (options is null)
                throw new ControlNetException($"'{Name}' takes no options, found '{setting}'.");
            var property = Option(name)
                ?? throw new ControlNetException(
                    $"'{Name}' has no option '{name}', expected one of {string.Join(", ", OptionsType!.GetProperties().Where(p => p.CanWrite).Select(p => p.Name))}.");
            options[property.Name] = Read(value, property.PropertyType, property.Name);
        }

        return options?.Deserialize(OptionsType!, Lenient);
    }

    /// <summary>Whether a setting, NAME=VALUE, names one of the kind's options.</summary>
    /// <param name="setting">The setting.</param>
    public bool HasOption(string setting)
    {
        ArgumentNullException.ThrowIfNull(setting);
        return Option(setting.Split('=', 2)[0]) is not null;
    }

    private PropertyInfo? Option(string name)
    {
        var plain = name.Replace("-", "", StringComparison.Ordinal).Replace("_", "", StringComparison.Ordinal);
        return OptionsType?.GetProperties().FirstOrDefault(p => p.CanWrite && p.Name.Equals(plain, StringComparison.OrdinalIgnoreCase));
    }

    private JsonNode Read(string text, Type type, string name)
    {
        var invariant = CultureInfo.InvariantCulture;
        if (type == typeof(string))
            return text;
        if (type.IsEnum && Enum.GetNames(type).FirstOrDefault(value => value.Equals(text, StringComparison.OrdinalIgnoreCase)) is { } choice)
            return choice;
        if (type == typeof(bool) && bool.TryParse(text, out var truth))
            return truth;
        if (type == typeof(int) && int.TryParse(text, NumberStyles.Integer, invariant, out var whole))
            return whole;
        if (type == typeof(double) && double.TryParse(text, NumberStyles.Float, invariant, out var number))
            return double.IsFinite(number) ? JsonValue.Create(number) : JsonValue.Create(number.ToString(invariant));
        if (type.IsEnum)
            throw new ControlNetException($"The option {name} of '{Name}' is '{text}', expected one of {string.Join(", ", Enum.GetNames(type))}.");
        var expected = type == typeof(bool) ? "true or false" : type == typeof(int) ? "whole number" : "number";
        throw new ControlNetException($"The option {name} of '{Name}': '{text}' is no {expected}.");
    }

    /// <summary>A kind that a network makes.</summary>
    /// <typeparam name="TOptions">A record whose properties are bool, int, double, string or an enum.</typeparam>
    /// <param name="name">The name that users type, in lower case.</param>
    /// <param name="description">One line for a list of kinds.</param>
    /// <param name="open">Loads the network that the options name.</param>
    public static ConditionKind Learned<TOptions>(string name, string description, Func<TOptions, IPreprocessor> open)
        where TOptions : class, new()
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(open);
        return new(name, description, new TOptions(), true, options => open((TOptions)options!));
    }

    /// <summary>A kind with options.</summary>
    internal static ConditionKind Of<TOptions>(string name, string description, Func<ImageBuffer, TOptions, ImageBuffer> apply)
        where TOptions : class, new() => new(name, description, new TOptions(), false, options => new Function(image => apply(image, (TOptions)options!)));

    /// <summary>A kind without options.</summary>
    internal static ConditionKind Of(string name, string description, Func<ImageBuffer, ImageBuffer> apply) =>
        new(name, description, null, false, _ => new Function(apply));

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
