using ControlNet.ML.Imaging;

namespace ControlNet.ML.Components;

/// <summary>What can be chosen for a condition as an ML.NET component, beside the options of its kind.</summary>
public sealed record ConditionComponentOptions : ComponentOptions
{
    /// <summary>Columns of the image to be made, at least 1: the photo is brought to that size first. Goes with <see cref="Height"/>.</summary>
    /// <value>Null: the photo's own.</value>
    public int? Width { get; init; }

    /// <summary>Rows of the image to be made, at least 1. Goes with <see cref="Width"/>.</summary>
    /// <value>Null: the photo's own.</value>
    public int? Height { get; init; }

    /// <summary>What to do when the photo has another shape than <see cref="Width"/> and <see cref="Height"/>.</summary>
    /// <value><see cref="FitMode.Crop"/>.</value>
    public FitMode Fit { get; init; } = FitMode.Crop;

    /// <summary>The size to bring the photo to, or null.</summary>
    internal (int Width, int Height)? Size => Width is { } width && Height is { } height ? (width, height) : null;

    /// <inheritdoc/>
    public override string? Validate()
    {
        if (base.Validate() is { } problem)
            return problem;
        if (Width is null != Height is null)
            return $"{nameof(Width)} is {Text(Width)} and {nameof(Height)} is {Text(Height)}, expected both or none.";
        if (Width < 1 || Height < 1)
            return $"The size is {Width}x{Height}, expected sides of at least 1.";
        return Enum.IsDefined(Fit) ? null : $"{nameof(Fit)} is {Fit}, expected {string.Join(", ", Enum.GetNames<FitMode>())}.";

        static string Text(int? side) => side?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "none";
    }
}
