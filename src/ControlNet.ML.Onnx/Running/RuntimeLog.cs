using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx;

/// <summary>
/// ONNX Runtime's own log, which writes unescaped names from the graph to the standard error stream. Its errors are also thrown as
/// exceptions.
/// </summary>
internal static class RuntimeLog
{
    /// <summary>Whether to silence the log: the application's decision, since the whole process shares one log.</summary>
    public static bool IsSilent { get; set; }

    /// <summary>
    /// Applies the setting before a graph is loaded. Creates ONNX Runtime's environment with the log level, since creating it already
    /// writes lines, and without telemetry, so that nothing about a user's commands is sent anywhere.
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
