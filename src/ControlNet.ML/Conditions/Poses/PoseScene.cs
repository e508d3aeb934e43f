namespace ControlNet.ML.Conditions;

/// <summary>The people of one image, and the image's size.</summary>
public sealed record PoseScene
{
    /// <summary>Creates a scene.</summary>
    /// <param name="width">Columns, at least 1.</param>
    /// <param name="height">Rows, at least 1.</param>
    /// <param name="people">The people.</param>
    /// <exception cref="ArgumentOutOfRangeException">A side is less than 1.</exception>
    public PoseScene(int width, int height, IReadOnlyList<PosePerson> people)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(width, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(height, 1);
        ArgumentNullException.ThrowIfNull(people);
        (Width, Height, People) = (width, height, people);
    }

    /// <summary>Columns.</summary>
    public int Width { get; }

    /// <summary>Rows.</summary>
    public int Height { get; }

    /// <summary>The people.</summary>
    public IReadOnlyList<PosePerson> People { get; }
}
