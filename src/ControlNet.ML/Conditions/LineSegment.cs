namespace ControlNet.ML.Conditions;

/// <summary>A line segment detected in an image, in pixels.</summary>
/// <param name="X0">x of the first end.</param>
/// <param name="Y0">y of the first end.</param>
/// <param name="X1">x of the second end.</param>
/// <param name="Y1">y of the second end.</param>
/// <param name="Score">The detector's confidence, 0 to 1.</param>
public readonly record struct LineSegment(float X0, float Y0, float X1, float Y1, float Score);
