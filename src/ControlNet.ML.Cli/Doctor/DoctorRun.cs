using System.Diagnostics;
using System.Globalization;
using ControlNet.ML.Torch;
using ControlNet.ML.Torch.Verification;

namespace ControlNet.ML.Cli.Doctor;

/// <summary>One call of <c>doctor</c>: the machine, the runtimes, the checks.</summary>
internal static class DoctorRun
{
    private const double Gibi = 1L << 30;

    /// <returns>0 if every check passes, 1 if an operation is wrong or libtorch cannot be loaded.</returns>
    public static async Task<int> RunAsync(Terminal terminal, bool json, CancellationToken cancellationToken)
    {
        var machine = MachineReport.Read();
        var onnx = OnnxRuntimeReport.Read();
        RuntimeReport? torch = null;
        string? failure = null;
        var clock = Stopwatch.StartNew();
        try
        {
            await ProgressDisplay.RunAsync(
                terminal,
                show =>
                    torch = TorchRuntime.Verify(new DirectProgress<double>(done => show(RuntimeCheck.Title, done, 1)), cancellationToken))
                .ConfigureAwait(false);
        }
        catch (ControlNetException e)
        {
            failure = e.Message;
        }

        var seconds = clock.Elapsed.TotalSeconds;
        if (json)
            Json.Print(terminal, Document(machine, onnx, torch, failure, seconds));
        else
            Print(terminal, machine, onnx, torch, failure, seconds);
        return torch is { IsRight: true } ? App.Success : App.Failed;
    }

    private static object Document(
        MachineReport machine, OnnxRuntimeReport onnx, RuntimeReport? torch, string? failure, double seconds) => new
        {
            machine,
            torch = torch is null ? null : new
            {
                torch.Processor,
                torch.HiddenCachesRepaired,
                torch.TorchSharpVersion,
                torch.LibtorchVersion,
                torch.LibtorchKernels,
                torch.OneDnnVersion,
                torch.UsesOneDnn,
                torch.Threads,
                torch.Gpus,
                torch.LibraryAdapted,
                torch.NativeLibraries,
                torch.IsRight,
                problems = torch.Problems(),
                seconds = Math.Round(seconds, 3),

                // The error of a value that is not finite is infinite, which JSON cannot express.
                operations = torch.Operations.Select(o => new
                {
                    o.Operation,
                    o.Type,
                    o.Pass,
                    error = double.IsFinite(o.Error) ? o.Error : (double?)null,
                    o.Bound,
                    o.Outcome,
                }),
            },
            torch_failure = failure,
            onnx_runtime = onnx,
        };

    private static void Print(
        Terminal terminal, MachineReport machine, OnnxRuntimeReport onnx, RuntimeReport? torch, string? failure, double seconds)
    {
        var processor = ProcessorInfo.Current;
        Line("controlnet", $"{machine.Version}, .NET {machine.DotNet}");
        Line("system", $"{machine.System}, {machine.Architecture}");
        Line("processor", $"{processor.Name} ({processor.Model}), {machine.Cores} cores: {List(processor.InstructionSets)}");
        Line("caches", Caches(processor.CachesAreHidden, torch?.HiddenCachesRepaired ?? false));
        Line("memory", $"{Size(machine.MemoryBytes)}, at most {Size(machine.MemoryLimitBytes)} for this process");
        Line("cache", machine.CacheFolder is { } folder
            ? $"{folder}, {Size(machine.CacheFreeBytes)} free"
            : "no folder is writable: set CONTROLNET_CACHE to one that is");
        if (torch is not null)
        {
            var kernels = torch.LibtorchKernels is { } set ? $", {set} kernels" : "";
            var adapted = torch.LibraryAdapted ? ", its library adapted to this system" : "";
            Line("libtorch", $"{torch.LibtorchVersion} (TorchSharp {torch.TorchSharpVersion}{adapted}){kernels}, {torch.Threads} threads");
            var use = torch.UsesOneDnn switch { true => "in use", false => "switched off", null => "in use as libtorch decides" };
            Line("oneDNN", $"{torch.OneDnnVersion ?? "unknown version"}, {use}");
            Line("GPU", torch.Gpus == 0 ? "none that libtorch sees" : $"{torch.Gpus}, not checked");
            foreach (var (name, path) in torch.NativeLibraries)
                Line(name, path);
        }
        else
        {
            Line("libtorch", failure!);
        }

        Line("ONNX Runtime", onnx.Failure ?? $"{onnx.Version}: {List(onnx.Providers)}");
        if (onnx.Failure is null)
            Line("providers", List(onnx.ExecutionProviders));
        if (torch is null)
            return;

        var wrong = torch.Operations.Count(operation => operation.Outcome == OperationOutcome.Wrong);
        var avoided = torch.Operations.Count(operation => operation.Outcome == OperationOutcome.RightWithoutOneDnn);
        var without = avoided > 0 ? $", {avoided} of them without oneDNN only" : "";
        Line("checks", Text($"{torch.Operations.Count - wrong} of {torch.Operations.Count} right{without}, in {seconds:f1} s"));
        foreach (var operation in torch.Operations.Where(operation => operation.Outcome != OperationOutcome.Right))
        {
            var outcome = operation.Outcome == OperationOutcome.Wrong ? "WRONG" : "avoided";
            terminal.Result(
                Text($"  {outcome,-8} {operation}: off by {operation.Error:g3} of the largest value, allowed {operation.Bound:g3}"));
        }

        foreach (var problem in torch.Problems())
        {
            terminal.Result();
            terminal.Result(problem);
        }

        void Line(string name, string value) => terminal.Result($"{name,-20} {value}");
    }

    private static string Caches(bool areHidden, bool repaired) => (areHidden, repaired) switch
    {
        (_, true) => "hidden by the hypervisor; oneDNN got typical sizes instead",
        (true, false) => "hidden by the hypervisor; oneDNN assumes one byte each",
        (false, false) => "as the processor reports them",
    };

    private static string Size(long? bytes) => bytes is { } known ? Text($"{known / Gibi:f1} GiB") : "unknown";

    private static string List(IEnumerable<string> items) => string.Join(", ", items);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
