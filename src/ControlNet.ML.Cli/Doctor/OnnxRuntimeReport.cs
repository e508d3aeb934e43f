using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Cli.Doctor;

/// <summary>ONNX Runtime, which runs ONNX graphs.</summary>
/// <param name="Version">Its version; null if it cannot be loaded.</param>
/// <param name="Providers">The available execution providers under ONNX Runtime's names, best first.</param>
/// <param name="ExecutionProviders">Those of them that graphs can be run on here, under the names that options take.</param>
/// <param name="Failure">Why it cannot be loaded; null if it can.</param>
internal sealed record OnnxRuntimeReport(
    string? Version, IReadOnlyList<string> Providers, IReadOnlyList<string> ExecutionProviders, string? Failure)
{
    /// <summary>Describes ONNX Runtime on this machine.</summary>
    public static OnnxRuntimeReport Read()
    {
        try
        {
            Onnx.RuntimeLog.Prepare();
            var environment = OrtEnv.Instance();
            var providers = environment.GetAvailableProviders();
            return new OnnxRuntimeReport(
                environment.GetVersionString(),
                providers,
                [.. Onnx.ExecutionProviders.Among(providers).Select(Onnx.ExecutionProviders.NameOf)],
                null);
        }
        catch (Exception e) when (
            e is TypeInitializationException or DllNotFoundException or OnnxRuntimeException or EntryPointNotFoundException)
        {
            while (e.InnerException is { } inner)
                e = inner;
            return new OnnxRuntimeReport(null, [], [], $"cannot be loaded: {e.Message.Split('\n', 2)[0].Trim()}");
        }
    }
}
