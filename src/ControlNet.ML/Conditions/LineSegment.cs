namespace ControlNet.ML.Conditions;

/// <summary>A straight line that was found in an image, in its pixels.</summary>
/// <param name="X0">The first end's place across.</param>
/// <param name="Y0">The first end's place down.</param>
/// <param name="X1">The second end's place across.</param>
/// <param name="Y1">The second end's place down.</param>
/// <param name="Score">How sure the detector is, 0 to 1.</param>
public readonly record struct LineSegment(float X0, float Y0, float X1, float Y1, float Score);
