namespace ControlNet.ML.EmojiTraining.Baselines;

/// <summary>A step of a baseline's training.</summary>
/// <param name="Step">Its number, from 1.</param>
/// <param name="Steps">The number of steps.</param>
/// <param name="Loss">Its loss.</param>
internal readonly record struct TrainedStep(int Step, int Steps, double Loss);
