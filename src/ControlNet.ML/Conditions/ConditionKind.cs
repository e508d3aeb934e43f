using ControlNet.ML.Imaging;

namespace ControlNet.ML.Conditions;

/// <summary>One way to make a condition from a picture.</summary>
public sealed class ConditionKind
{
    private readonly Func<ImageBuffer, object?, ImageBuffer> _apply;

    private ConditionKind(string name, string description, object? defaults, Func<ImageBuffer, object?, ImageBuffer> apply) =>
        (Name, Description, Defaults, _apply) = (name, description, defaults, apply);

    /// <summary>The name that users type, in lower case.</summary>
    public string Name { get; }

    /// <summary>One line for a list of kinds.</summary>
    public string Description { get; }

    /// <summary>The options at their defaults, a record to be changed with <c>with</c>; null if there are none.</summary>
    public object? Defaults { get; }

    /// <summary>The type of the options; null if there are none.</summary>
    public Type? OptionsType => Defaults?.GetType();

    /// <summary>Makes the condition.</summary>
    /// <param name="image">The picture.</param>
    /// <param name="options">Of type <see cref="OptionsType"/>; null for the defaults.</param>
    /// <returns>A new picture of the same size.</returns>
    /// <exception cref="ControlNetException">An option is out of its range.</exception>
    public ImageBuffer Apply(ImageBuffer image, object? options = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        if (options is not null && options.GetType() != OptionsType)
            throw new ArgumentException($"'{Name}' takes {OptionsType?.Name ?? "no options"}, got {options.GetType().Name}.", nameof(options));
        return _apply(image, options ?? Defaults);
    }

    /// <summary>A kind with options.</summary>
    internal static ConditionKind Of<TOptions>(string name, string description, Func<ImageBuffer, TOptions, ImageBuffer> apply)
        where TOptions : class, new() => new(name, description, new TOptions(), (image, options) => apply(image, (TOptions)options!));

    /// <summary>A kind without options.</summary>
    internal static ConditionKind Of(string name, string description, Func<ImageBuffer, ImageBuffer> apply) =>
        new(name, description, null, (image, _) => apply(image));
}
