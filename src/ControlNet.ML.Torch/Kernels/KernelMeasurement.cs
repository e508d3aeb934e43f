namespace ControlNet.ML.Torch.Kernels;

/// <summary>What was measured for one operation.</summary>
/// <param name="Operation">The operation and its shape.</param>
/// <param name="Chosen">The name of the kernel that computes it.</param>
/// <param name="Kernels">Each kernel, the plain one first.</param>
internal sealed record KernelMeasurement(string Operation, string Chosen, IReadOnlyList<KernelTiming> Kernels);

/// <summary>One kernel.</summary>
/// <param name="Kernel">Its name.</param>
/// <param name="Seconds">Shortest time for the part of the operation that is timed.</param>
/// <param name="Distance">
/// Largest difference from the plain kernel's result, relative to its largest value; null if the kernel failed or its result is not finite.
/// </param>
/// <param name="IsRight">Whether rounding explains the distance.</param>
internal sealed record KernelTiming(string Kernel, double Seconds, double? Distance, bool IsRight);
