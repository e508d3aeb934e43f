namespace ControlNet.ML.Onnx;

/// <summary>Where a graph runs.</summary>
public sealed record OnnxRunOptions
{
    /// <summary>The GPU, from 0; null for the CPU. Needs Microsoft.ML.OnnxRuntime.Gpu in the application.</summary>
    /// <value>Null.</value>
    public int? GpuDevice { get; init; }

    /// <summary>Whether a GPU that cannot be used is an error (false) or the CPU takes over (true).</summary>
    /// <value>False.</value>
    public bool FallbackToCpu { get; init; }

    /// <summary>Threads of the CPU; null for as many as it has cores.</summary>
    /// <value>Null.</value>
    public int? Threads { get; init; }
}
