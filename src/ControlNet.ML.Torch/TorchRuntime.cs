using ControlNet.ML.Configuration;
using ControlNet.ML.Torch.Native;
using ControlNet.ML.Torch.Verification;
using TorchSharp;

namespace ControlNet.ML.Torch;

/// <summary>
/// Checks that libtorch computes correctly on this processor. The processor determines its kernels, and a fast kernel can be wrong on a
/// given machine without any error, for instance convolutions on processors whose caches a hypervisor hides.
/// <para>
/// The <c>controlnet</c> tool calls <see cref="VerifyOnce"/> before its first image or training; call it at the start of your own program.
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
    /// Checks dozens of small convolutions, linear layers, attentions, norms and means in float32, bfloat16 and float16, forward and
    /// backward, against double precision; takes a second or two. If oneDNN computes one wrongly and libtorch's own kernels do not, oneDNN
    /// is switched off for this process. Call it before networks compute: the switch affects all threads.
    /// </summary>
    /// <param name="progress">Receives the share that is done, 0 to 1.</param>
    /// <param name="cancellationToken">Checked between operations.</param>
    /// <returns>The versions and settings of libtorch, and the results.</returns>
    /// <exception cref="ControlNetException">Libtorch cannot be loaded.</exception>
    public static RuntimeReport Verify(IProgress<double>? progress = null, CancellationToken cancellationToken = default) =>
        Verify([.. OperationChecks.All()], progress, cancellationToken);

    /// <summary>
    /// <see cref="Verify(IProgress{double}?, CancellationToken)"/>, once for each machine, user and set of libraries: later calls check
    /// nothing, but switch oneDNN off if the first one had to.
    /// </summary>
    /// <param name="progress">Receives the share that is done, 0 to 1.</param>
    /// <param name="cancellationToken">Checked between operations.</param>
    /// <returns>The report; null if an earlier call has checked.</returns>
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

    /// <summary>The precision that networks compute in: for <see cref="Precision.Auto"/> the one that the device is fastest in.</summary>
    /// <param name="options">Precision and device.</param>
    /// <returns>Float32, BFloat16 or Float16.</returns>
    /// <exception cref="ControlNetException">The device is unknown or not available, or libtorch cannot be loaded.</exception>
    public static Precision PrecisionOf(LoadOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        TorchNative.EnsureLoaded();
        return PrecisionOf(TorchDevice.From(options).Type);
    }

    /// <summary>The precision that a model's autoencoder is loaded in: <see cref="LoadOptions.VaePrecision"/>, resolved.</summary>
    /// <inheritdoc cref="PrecisionOf(LoadOptions)"/>
    internal static Precision AutoencoderPrecisionOf(LoadOptions options, AutoencoderConfig config)
    {
        TorchNative.EnsureLoaded();
        return PrecisionOf(TorchDevice.From(options).AutoencoderType(options, config));
    }

    private static Precision PrecisionOf(torch.ScalarType type) => type switch
    {
        torch.ScalarType.BFloat16 => Precision.BFloat16,
        torch.ScalarType.Float16 => Precision.Float16,
        _ => Precision.Float32,
    };

    /// <summary>Everything on this machine that decides which kernels are right and fast.</summary>
    /// <exception cref="ControlNetException">Libtorch cannot be loaded.</exception>
    internal static string CacheKey()
    {
        TorchNative.EnsureLoaded();
        return $"{VerificationCache.Key(Describe([]))}|{TorchContext.UsesOneDnn}";
    }

    /// <summary>The version of TorchSharp.</summary>
    internal static string TorchSharpVersion => AssemblyVersion.Of(typeof(torch).Assembly);

    /// <summary>The version of libtorch and what it was built for: <c>2.10.0 (CPU)</c>.</summary>
    /// <exception cref="ControlNetException">Libtorch cannot be loaded.</exception>
    internal static string DescribeLibtorch()
    {
        TorchNative.EnsureLoaded();
        return $"{LibtorchVersion} ({(NativeLibraries.HasCuda ? "CUDA" : "CPU")})";
    }

    /// <summary>Runs the given checks.</summary>
    internal static RuntimeReport Verify(
        IReadOnlyList<OperationCheck> checks, IProgress<double>? progress, CancellationToken cancellationToken)
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

    /// <summary>
    /// Runs all checks again, since all kernels are different now; operations that are no longer wrong keep their first error.
    /// </summary>
    private static List<OperationResult> WithoutOneDnn(
        IReadOnlyList<OperationCheck> checks, List<OperationResult> before, CancellationToken cancellationToken)
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

    private static string LibtorchVersion => string.Join('.', torch.__version__.Split('.').Take(3));

    private static IEnumerable<OperationResult> Run(OperationCheck check)
    {
        foreach (var (pass, error, bound) in check.Run())
        {
            yield return new OperationResult(
                check.Operation, check.Type.ToString().ToLowerInvariant(), pass, double.IsNaN(error)
                    ? double.PositiveInfinity
                    : error, bound,
                error <= bound ? OperationOutcome.Right : OperationOutcome.Wrong);
        }
    }

    private static bool IsWrong(OperationResult result) => result.Outcome == OperationOutcome.Wrong;

    private static RuntimeReport Describe(IReadOnlyList<OperationResult> results) => new()
    {
        Processor = ProcessorInfo.Current,
        HiddenCachesRepaired = TorchNative.HiddenCachesRepaired,
        TorchSharpVersion = TorchSharpVersion,
        LibtorchVersion = LibtorchVersion,
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
