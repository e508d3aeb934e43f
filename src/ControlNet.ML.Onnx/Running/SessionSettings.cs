using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx;

/// <summary>Turns <see cref="OnnxSessionOptions"/> into ONNX Runtime's options, without the providers.</summary>
internal static class SessionSettings
{
    /// <summary>Creates the options.</summary>
    /// <param name="source">The graph's name, for errors.</param>
    /// <param name="options">Where and how it runs.</param>
    /// <returns>The options; the caller disposes them.</returns>
    /// <exception cref="ControlNetException">A configuration entry is invalid.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The device is negative, or the number of threads below 1.</exception>
    public static SessionOptions Create(string source, OnnxSessionOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(options.Device);
        if (options.Threads is { } count)
            ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        var isDirectMl = options.Providers.Contains(ExecutionProvider.DirectMl);
        var session = new SessionOptions
        {
            GraphOptimizationLevel = options.Optimization,
            EnableMemoryPattern = options.MemoryPattern && !isDirectMl,
            EnableCpuMemArena = options.MemoryArena,
            ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
        };
        try
        {
            if (options.Threads is { } threads)
                session.IntraOpNumThreads = threads;
            if (RuntimeLog.IsSilent)
                session.LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL;
            foreach (var (name, value) in options.ConfigEntries)
                session.AddSessionConfigEntry(name, value);
            return session;
        }
        catch (Exception e)
        {
            session.Dispose();
            if (e is OnnxRuntimeException)
                throw new ControlNetException($"{source}: a session configuration entry is invalid: {RuntimeErrors.Text(e)}", e);
            throw;
        }
    }
}
