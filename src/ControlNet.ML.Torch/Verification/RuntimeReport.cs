namespace ControlNet.ML.Torch.Verification;

/// <summary>What libtorch is on this machine, and whether it computes rightly.</summary>
public sealed record RuntimeReport
{
    /// <summary>The processor.</summary>
    public required ProcessorInfo Processor { get; init; }

    /// <summary>Whether oneDNN was told the sizes of caches that a hypervisor hides.</summary>
    public required bool HiddenCachesRepaired { get; init; }

    /// <summary>TorchSharp's version.</summary>
    public required string TorchSharpVersion { get; init; }

    /// <summary>libtorch's version.</summary>
    public required string LibtorchVersion { get; init; }

    /// <summary>Instruction set of libtorch's own kernels; null where that cannot be asked.</summary>
    public required string? LibtorchKernels { get; init; }

    /// <summary>oneDNN's version; null where that cannot be asked.</summary>
    public required string? OneDnnVersion { get; init; }

    /// <summary>Whether libtorch computes with oneDNN, as it is after the checks; null where that cannot be asked.</summary>
    public required bool? UsesOneDnn { get; init; }

    /// <summary>Threads of one operation.</summary>
    public required int Threads { get; init; }

    /// <summary>NVIDIA GPUs that libtorch sees. They are not checked.</summary>
    public required int Gpus { get; init; }

    /// <summary>Whether a copy of TorchSharp's library is loaded that was adapted to this system in memory.</summary>
    public required bool LibraryAdapted { get; init; }

    /// <summary>Paths of the native libraries that were found, by name.</summary>
    public required IReadOnlyDictionary<string, string> NativeLibraries { get; init; }

    /// <summary>Every operation that was checked, forward and backward.</summary>
    public required IReadOnlyList<OperationResult> Operations { get; init; }

    /// <summary>Whether every operation is right, be it with libtorch's own kernels in oneDNN's place.</summary>
    public bool IsRight => Operations.All(operation => operation.Outcome != OperationOutcome.Wrong);

    /// <summary>
    /// What is wrong, by operation, and what was or can be done about it; empty where nothing is. A sentence each, for people.
    /// </summary>
    public IReadOnlyList<string> Problems()
    {
        List<string> problems = [];
        if (Named(OperationOutcome.RightWithoutOneDnn) is { } avoided)
        {
            problems.Add(
                $"oneDNN {OneDnnVersion} computes wrong numbers on this processor ({Processor.Name}): {avoided}. " +
                "It is switched off; libtorch's own kernels, which are right, are slower.");
        }

        if (Named(OperationOutcome.Wrong) is { } wrong)
        {
            problems.Add(
                $"libtorch {LibtorchVersion} computes wrong numbers on this processor ({Processor.Name}): {wrong}. " +
                "Results that depend on them are not to be trusted. Try ONEDNN_MAX_CPU_ISA=SSE41 in the environment, which is slow, " +
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
