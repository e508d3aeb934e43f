namespace ControlNet.ML.Onnx;

/// <summary>Names of execution providers, and the packages that have them.</summary>
internal static class ExecutionProviders
{
    private static readonly (ExecutionProvider Provider, string Name, string RuntimeName, string Package)[] All =
    [
        (ExecutionProvider.Cpu, "cpu", "CPUExecutionProvider", "Microsoft.ML.OnnxRuntime"),
        (ExecutionProvider.Cuda, "cuda", "CUDAExecutionProvider", "Microsoft.ML.OnnxRuntime.Gpu"),
        (ExecutionProvider.TensorRt, "tensorrt", "TensorrtExecutionProvider", "Microsoft.ML.OnnxRuntime.Gpu"),
        (ExecutionProvider.DirectMl, "directml", "DmlExecutionProvider", "Microsoft.ML.OnnxRuntime.DirectML"),
        (ExecutionProvider.OpenVino, "openvino", "OpenVINOExecutionProvider", "Intel.ML.OnnxRuntime.OpenVino"),
        (ExecutionProvider.CoreMl, "coreml", "CoreMLExecutionProvider", "Microsoft.ML.OnnxRuntime on macOS"),
    ];

    /// <summary>All names, as <see cref="Parse"/> reads them.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(entry => entry.Name)];

    /// <summary>The name of a provider in texts: <c>cuda</c>.</summary>
    public static string NameOf(ExecutionProvider provider) => Entry(provider).Name;

    /// <summary>ONNX Runtime's own name of a provider: <c>CUDAExecutionProvider</c>.</summary>
    public static string RuntimeNameOf(ExecutionProvider provider) => Entry(provider).RuntimeName;

    /// <summary>The package whose ONNX Runtime has a provider.</summary>
    public static string PackageOf(ExecutionProvider provider) => Entry(provider).Package;

    /// <summary>The providers among those that ONNX Runtime lists under its own names, in our order.</summary>
    public static IReadOnlyList<ExecutionProvider> Among(IReadOnlyCollection<string> runtimeNames) =>
        [.. All.Where(entry => runtimeNames.Contains(entry.RuntimeName)).Select(entry => entry.Provider)];

    /// <summary>Reads a list of providers, <c>cuda,cpu</c>, in the order in which they are tried.</summary>
    /// <param name="text">Names, separated by commas; case does not matter.</param>
    /// <exception cref="ControlNetException">A name is none of the providers, or is there twice.</exception>
    public static IReadOnlyList<ExecutionProvider> Parse(string text)
    {
        List<ExecutionProvider> providers = [];
        foreach (var name in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var at = Array.FindIndex(All, entry => entry.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
            if (at < 0)
                throw new ControlNetException(
                    $"There is no execution provider {Message.Name(name)}, expected {Message.Choices(Names)}, separated by commas.");
            if (providers.Contains(All[at].Provider))
                throw new ControlNetException($"The execution provider {Message.Name(name)} is named twice, expected once.");
            providers.Add(All[at].Provider);
        }

        return providers;
    }

    private static (ExecutionProvider Provider, string Name, string RuntimeName, string Package) Entry(ExecutionProvider provider) =>
        Array.Find(All, entry => entry.Provider == provider) is { Name: not null } entry
            ? entry
            : throw new ArgumentOutOfRangeException(nameof(provider), provider, "There is no such execution provider.");
}
