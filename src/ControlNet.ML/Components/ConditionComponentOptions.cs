using ControlNet.ML.Imaging;

namespace ControlNet.ML.Components;

/// <summary>Options of a condition as an ML.NET component, in addition to the condition's own options.</summary>
public sealed record ConditionComponentOptions : ComponentOptions
{
    /// <summary>Width of the output in pixels, at least 1: the photo is resized to it first. Requires <see cref="Height"/>.</summary>
    /// <value>Null: the photo's own.</value>
    public int? Width { get; init; }

    /// <summary>Height of the output in pixels, at least 1. Requires <see cref="Width"/>.</summary>
    /// <value>Null: the photo's own.</value>
    public int? Height { get; init; }

    /// <summary>How the photo is fitted when its aspect ratio differs from that of <see cref="Width"/> and <see cref="Height"/>.</summary>
    /// <value><see cref="FitMode.Crop"/>.</value>
    public FitMode Fit { get; init; } = FitMode.Crop;

    /// <summary>The size to resize the photo to, or null.</summary>
    internal (int Width, int Height)? Size => Width is { } width && Height is { } height ? (width, height) : null;

    /// <inheritdoc/>
    public override string? Validate()
    {
        if (base.Validate() is { } problem)
            return problem;
        if (Width is null != Height is null)
            return $"{nameof(Width)} is {Text(Width)} and {nameof(Height)} is {Text(Height)}, expected both or neither.";
        if (Width < 1 || Height < 1)
            return $"The size is {Width}x{Height}, expected sides of at least 1.";
        return Enum.IsDefined(Fit) ? null : $"{nameof(Fit)} is {Fit}, expected {string.Join(", ", Enum.GetNames<FitMode>())}.";

        static string Text(int? side) => side?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "none";
    }
}
