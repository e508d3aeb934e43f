namespace ControlNet.ML.Onnx;

/// <summary>Where a graph runs.</summary>
public sealed record OnnxRunOptions
{
    /// <summary>The GPU, from 0; null for the CPU. A GPU needs Microsoft.ML.OnnxRuntime.Gpu in the application.</summary>
    /// <value>Null.</value>
    public int? GpuDevice { get; init; }

    /// <summary>Whether to fall back to the CPU if the GPU cannot be used (true), or to fail (false).</summary>
    /// <value>False.</value>
    public bool FallbackToCpu { get; init; }

    /// <summary>Number of CPU threads; null for one per core.</summary>
    /// <value>Null.</value>
    public int? Threads { get; init; }
}
