namespace ControlNet.ML.Conditions;

/// <summary>One point of a body, a hand or a face. It may lie outside the image.</summary>
/// <param name="X">The place across, as a fraction of the image's width: 0 left, 1 right.</param>
/// <param name="Y">The place down, as a fraction of the image's height: 0 top, 1 bottom.</param>
/// <param name="Score">How sure a detector is of the point: above 0, up to 1 (certain, which is the default).</param>
public readonly record struct PosePoint(double X, double Y, double Score = 1);
