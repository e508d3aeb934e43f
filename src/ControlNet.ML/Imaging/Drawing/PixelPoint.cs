namespace ControlNet.ML.Imaging;

/// <summary>A point in whole pixels. It may be outside the image.</summary>
/// <param name="X">The column, from 0 at the left.</param>
/// <param name="Y">The row, from 0 at the top.</param>
public readonly record struct PixelPoint(int X, int Y);
