namespace ControlNet.ML.Conditions;

/// <summary>One keypoint of a body, a hand or a face. It may be outside the image.</summary>
/// <param name="X">x as a fraction of the image's width: 0 left, 1 right.</param>
/// <param name="Y">y as a fraction of the image's height: 0 top, 1 bottom.</param>
/// <param name="Score">The detector's confidence: above 0, up to 1 (the default).</param>
public readonly record struct PosePoint(double X, double Y, double Score = 1);
