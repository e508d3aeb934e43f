using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx;

/// <summary>Where and how ONNX Runtime runs graphs.</summary>
public sealed record OnnxSessionOptions
{
    /// <summary>
    /// The execution providers, best first. An operation runs on the first one that has it, and on the CPU if none has. A provider that
    /// is not there (the application's ONNX Runtime was built without it, a library or device is missing) is skipped; if all of them are,
    /// opening a graph fails and says why. List <see cref="ExecutionProvider.Cpu"/> last to fall back to the CPU.
    /// </summary>
    /// <value>The CPU.</value>
    public IReadOnlyList<ExecutionProvider> Providers { get; init; } = [ExecutionProvider.Cpu];

    /// <summary>The GPU, from 0, of CUDA, TensorRT and DirectML.</summary>
    /// <value>0.</value>
    public int Device { get; init; }

    /// <summary>Number of CPU threads in one operation; null for ONNX Runtime's default, one per physical core.</summary>
    /// <value>Null.</value>
    public int? Threads { get; init; }

    /// <summary>How far the graph is rewritten when it is opened.</summary>
    /// <value>All optimisations.</value>
    public GraphOptimizationLevel Optimization { get; init; } = GraphOptimizationLevel.ORT_ENABLE_ALL;

    /// <summary>
    /// Whether memory is planned once per combination of input shapes and reused. Always off with DirectML, which does not support it.
    /// </summary>
    /// <value>True.</value>
    public bool MemoryPattern { get; init; } = true;

    /// <summary>Whether freed memory is kept for the next run: faster, and the peak stays allocated.</summary>
    /// <value>True.</value>
    public bool MemoryArena { get; init; } = true;

    /// <summary>
    /// Options of single providers under ONNX Runtime's names, such as <c>trt_engine_cache_enable</c> of TensorRT, <c>device_type</c> of
    /// OpenVINO or <c>ModelFormat</c> of Core ML.
    /// </summary>
    /// <value>Empty.</value>
    public IReadOnlyDictionary<ExecutionProvider, IReadOnlyDictionary<string, string>> ProviderOptions { get; init; } =
        new Dictionary<ExecutionProvider, IReadOnlyDictionary<string, string>>();

    /// <summary>ONNX Runtime's session configuration entries, such as <c>session.intra_op.allow_spinning</c>.</summary>
    /// <value>Empty.</value>
    public IReadOnlyDictionary<string, string> ConfigEntries { get; init; } = new Dictionary<string, string>();
}
