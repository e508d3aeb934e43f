namespace ControlNet.ML.Onnx;

/// <summary>
/// What computes the operations of a graph: ONNX Runtime's execution providers. In texts they are <c>cpu</c>, <c>cuda</c>,
/// <c>tensorrt</c>, <c>directml</c>, <c>openvino</c> and <c>coreml</c>.
/// </summary>
public enum ExecutionProvider
{
    /// <summary>The processor; in every build of ONNX Runtime.</summary>
    Cpu,

    /// <summary>NVIDIA GPUs by CUDA: package Microsoft.ML.OnnxRuntime.Gpu.</summary>
    Cuda,

    /// <summary>NVIDIA GPUs by TensorRT: package Microsoft.ML.OnnxRuntime.Gpu, and TensorRT's libraries.</summary>
    TensorRt,

    /// <summary>GPUs on Windows by DirectML: package Microsoft.ML.OnnxRuntime.DirectML.</summary>
    DirectMl,

    /// <summary>Intel's processors, GPUs and NPUs by OpenVINO: package Intel.ML.OnnxRuntime.OpenVino.</summary>
    OpenVino,

    /// <summary>Apple's processors by Core ML: package Microsoft.ML.OnnxRuntime, on macOS.</summary>
    CoreMl,
}
