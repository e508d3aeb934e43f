namespace ControlNet.ML.Conditions;

/// <summary>Information that a file may lack, or a choice from it, for <see cref="PoseFile"/>.</summary>
public sealed record PoseReadOptions
{
    /// <summary>The width in pixels of the image in which the keypoints were detected; used if the file does not contain it.</summary>
    /// <value>Null: the file must contain it.</value>
    public int? Width { get; init; }

    /// <summary>The height in pixels; used if the file does not contain it.</summary>
    /// <value>Null: the file must contain it.</value>
    public int? Height { get; init; }

    /// <summary>The id of the image to read from a COCO file.</summary>
    /// <value>Null: the file must describe only one image.</value>
    public long? ImageId { get; init; }
}
