namespace ControlNet.ML.Conditions;

/// <summary>What <see cref="PoseFile"/> cannot find in a file, or has to choose from it.</summary>
public sealed record PoseReadOptions
{
    /// <summary>The width in pixels of the image that the points were found in, used where the file names none.</summary>
    /// <value>Null: the file must name it.</value>
    public int? Width { get; init; }

    /// <summary>The height, likewise.</summary>
    /// <value>Null: the file must name it.</value>
    public int? Height { get; init; }

    /// <summary>Which image of a COCO file is wanted, by its id.</summary>
    /// <value>Null: the file must be about one image only.</value>
    public long? ImageId { get; init; }
}
