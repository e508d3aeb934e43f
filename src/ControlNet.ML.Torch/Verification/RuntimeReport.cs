namespace ControlNet.ML.Torch.Verification;

/// <summary>The versions and settings of libtorch on this machine, and whether it computes correctly.</summary>
public sealed record RuntimeReport
{
    /// <summary>The processor.</summary>
    public required ProcessorInfo Processor { get; init; }

    /// <summary>Whether cache sizes that a hypervisor hides were set in oneDNN.</summary>
    public required bool HiddenCachesRepaired { get; init; }

    /// <summary>TorchSharp's version.</summary>
    public required string TorchSharpVersion { get; init; }

    /// <summary>libtorch's version.</summary>
    public required string LibtorchVersion { get; init; }

    /// <summary>Instruction set of libtorch's own kernels; null if unknown.</summary>
    public required string? LibtorchKernels { get; init; }

    /// <summary>oneDNN's version; null if unknown.</summary>
    public required string? OneDnnVersion { get; init; }

    /// <summary>Whether libtorch uses oneDNN after the checks; null if unknown.</summary>
    public required bool? UsesOneDnn { get; init; }

    /// <summary>Number of threads of one operation.</summary>
    public required int Threads { get; init; }

    /// <summary>Number of NVIDIA GPUs that libtorch sees. They are not checked.</summary>
    public required int Gpus { get; init; }

    /// <summary>Whether TorchSharp's library was adapted to this system in memory.</summary>
    public required bool LibraryAdapted { get; init; }

    /// <summary>Paths of the native libraries that were found, by name.</summary>
    public required IReadOnlyDictionary<string, string> NativeLibraries { get; init; }

    /// <summary>The result of every check, forward and backward.</summary>
    public required IReadOnlyList<OperationResult> Operations { get; init; }

    /// <summary>Whether every operation is correct, with oneDNN or with libtorch's own kernels.</summary>
    public bool IsRight => Operations.All(operation => operation.Outcome != OperationOutcome.Wrong);

    /// <summary>
    /// The wrong operations, and what was or can be done about them; empty if there are none. One text for people each.
    /// </summary>
    /// <returns>One sentence for each problem.</returns>
    public IReadOnlyList<string> Problems()
    {
        List<string> problems = [];
        if (Named(OperationOutcome.RightWithoutOneDnn) is { } avoided)
        {
            problems.Add(
                $"oneDNN {OneDnnVersion} computes wrong numbers on this processor ({Processor.Name}): {avoided}. " +
                "It is switched off; libtorch's own kernels are correct but slower.");
        }

        if (Named(OperationOutcome.Wrong) is { } wrong)
        {
            problems.Add(
                $"libtorch {LibtorchVersion} computes wrong numbers on this processor ({Processor.Name}): {wrong}. " +
                "Results that depend on them cannot be trusted. Try ONEDNN_MAX_CPU_ISA=SSE41 in the environment, which is slow, " +
                "or another machine, and report it with the output of 'controlnet doctor'.");
        }

        return problems;
    }

    private string? Named(OperationOutcome outcome)
    {
        string[] names = [.. Operations.Where(operation => operation.Outcome == outcome).Select(operation => operation.ToString())];
        return names.Length == 0 ? null : Message.List(names, "; ");
    }
}
