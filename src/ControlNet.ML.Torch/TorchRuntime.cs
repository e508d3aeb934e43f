using ControlNet.ML.Torch.Native;
using ControlNet.ML.Torch.Verification;
using TorchSharp;

namespace ControlNet.ML.Torch;

/// <summary>
/// Checks that libtorch computes rightly on this processor. Its kernels are chosen by the processor, and a fast one can be wrong on a given
/// machine without any error: convolutions on processors whose caches a hypervisor hides, for instance.
/// <para>
/// The <c>controlnet</c> tool calls <see cref="VerifyOnce"/> before its first image or training; a program of your own does so where it starts.
/// </para>
/// </summary>
public static class TorchRuntime
{
    private static readonly string[] LibraryNames = OperatingSystem.IsWindows()
        ? ["LibTorchSharp.dll", "torch_cpu.dll", "torch_cuda.dll", "c10.dll"]
        : OperatingSystem.IsMacOS()
            ? ["libLibTorchSharp.dylib", "libtorch_cpu.dylib", "libc10.dylib"]
            : ["libLibTorchSharp.so", "libtorch_cpu.so", "libtorch_cuda.so", "libc10.so"];

    /// <summary>
    /// Checks some dozens of small convolutions, linear layers, attentions, norms and means in float32, bfloat16 and float16, forward and
    /// backward, against double precision; takes a second or two. Where oneDNN computes one wrongly and libtorch's own kernels do not, oneDNN
    /// is switched off for this process. Call it before networks compute: the switch holds for all threads.
    /// </summary>
    /// <param name="progress">Told the share that is done, 0 to 1.</param>
    /// <param name="cancellationToken">Checked between operations.</param>
    /// <returns>What libtorch is here, and what was found.</returns>
    /// <exception cref="ControlNetException">Libtorch cannot be loaded.</exception>
    public static RuntimeReport Verify(IProgress<double>? progress = null, CancellationToken cancellationToken = default) =>
        Verify([.. OperationChecks.All()], progress, cancellationToken);

    /// <summary>
    /// <see cref="Verify(IProgress{double}?, CancellationToken)"/>, once for each machine, user and set of libraries: later calls switch oneDNN
    /// off where the first one had to, and check nothing.
    /// </summary>
    /// <param name="progress">Told the share that is done, 0 to 1.</param>
    /// <param name="cancellationToken">Checked between operations.</param>
    /// <returns>What was found; null where an earlier call had checked.</returns>
    /// <exception cref="ControlNetException">Libtorch cannot be loaded.</exception>
    public static RuntimeReport? VerifyOnce(IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        TorchNative.EnsureLoaded();
        var key = VerificationCache.Key(Describe([]));
        if (VerificationCache.Read(key) is { } usesOneDnn)
        {
            if (!usesOneDnn)
                TorchContext.UseOneDnn(false);
            return null;
        }

        var report = Verify(progress, cancellationToken);
        if (report.IsRight)
            VerificationCache.Write(key, report.UsesOneDnn ?? true);
        return report;
    }

    /// <summary>With checks of the caller's.</summary>
    internal static RuntimeReport Verify(IReadOnlyList<OperationCheck> checks, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        TorchNative.EnsureLoaded();
        List<OperationResult> results = [];
        for (var i = 0; i < checks.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            results.AddRange(Run(checks[i]));
            progress?.Report((i + 1.0) / checks.Count);
        }

        if (results.Any(IsWrong) && TorchContext.UsesOneDnn == true && TorchContext.UseOneDnn(false))
            results = WithoutOneDnn(checks, results, cancellationToken);
        return Describe(results);
    }

    /// <summary>Everything once more, since other kernels now compute all of it; what was wrong and no longer is keeps its first error.</summary>
    private static List<OperationResult> WithoutOneDnn(IReadOnlyList<OperationCheck> checks, List<OperationResult> before, CancellationToken cancellationToken)
    {
        List<OperationResult> after = [];
        foreach (var check in checks)
        {
            cancellationToken.ThrowIfCancellationRequested();
            after.AddRange(Run(check));
        }

        if (before.Count(IsWrong) <= after.Count(IsWrong))
        {
            TorchContext.UseOneDnn(true);
            return before;
        }

        return [.. before.Zip(after, (with, without) =>
            IsWrong(without) ? without : IsWrong(with) ? with with { Outcome = OperationOutcome.RightWithoutOneDnn } : without)];
    }

    private static IEnumerable<OperationResult> Run(OperationCheck check)
    {
        foreach (var (pass, error, bound) in check.Run())
        {
            yield return new OperationResult(
                check.Operation, check.Type.ToString().ToLowerInvariant(), pass, double.IsNaN(error) ? double.PositiveInfinity : error, bound,
                error <= bound ? OperationOutcome.Right : OperationOutcome.Wrong);
        }
    }

    private static bool IsWrong(OperationResult result) => result.Outcome == OperationOutcome.Wrong;

    private static RuntimeReport Describe(IReadOnlyList<OperationResult> results) => new()
    {
        Processor = ProcessorInfo.Current,
        HiddenCachesRepaired = TorchNative.HiddenCachesRepaired,
        TorchSharpVersion = AssemblyVersion.Of(typeof(torch).Assembly),
        LibtorchVersion = string.Join('.', torch.__version__.Split('.').Take(3)),
        LibtorchKernels = TorchContext.CpuCapability(),
        OneDnnVersion = TorchContext.OneDnnVersion(),
        UsesOneDnn = TorchContext.UsesOneDnn,
        Threads = torch.get_num_threads(),
        Gpus = torch.cuda.is_available() ? torch.cuda.device_count() : 0,
        LibraryAdapted = TorchNative.LibraryAdapted,
        NativeLibraries = TorchNative.Libraries(LibraryNames),
        Operations = results,
    };
}
