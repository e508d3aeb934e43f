using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx;

/// <summary>
/// ONNX Runtime's own log, which goes to the standard error stream with the names that a graph gives, whatever they hold. What is an error
/// there comes as an exception, too.
/// </summary>
internal static class RuntimeLog
{
    /// <summary>Whether the process wants none of it: an application's decision, since the log is one for all that run in it.</summary>
    public static bool IsSilent { get; set; }

    /// <summary>
    /// Sees to it before a graph is loaded. ONNX Runtime's environment is made here with the level, as it writes lines of its own while it is made, and
    /// without telemetry: what a person's command computes is sent to nobody.
    /// </summary>
    public static void Prepare()
    {
        if (!IsSilent)
            return;
        if (!OrtEnv.IsCreated)
        {
            var options = new EnvironmentCreationOptions { logId = "controlnet", logLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
            OrtEnv.CreateInstanceWithOptions(ref options);
        }

        OrtEnv.Instance().EnvLogLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL;
        OrtEnv.Instance().DisableTelemetryEvents();
    }
}
