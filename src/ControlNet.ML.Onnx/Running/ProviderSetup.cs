using System.Globalization;
using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx;

/// <summary>Adds execution providers to a session's options.</summary>
internal static class ProviderSetup
{
    /// <summary>Adds a provider.</summary>
    /// <param name="session">The session's options.</param>
    /// <param name="provider">The provider.</param>
    /// <param name="options">Its device and options.</param>
    /// <returns>Null, or why it cannot be used.</returns>
    public static string? TryAdd(SessionOptions session, ExecutionProvider provider, OnnxSessionOptions options)
    {
        if (!OrtEnv.Instance().GetAvailableProviders().Contains(ExecutionProviders.RuntimeNameOf(provider)))
            return $"this ONNX Runtime was built without it (use the package {ExecutionProviders.PackageOf(provider)})";
        try
        {
            Add(session, provider, Settings(provider, options));
            return null;
        }
        catch (Exception e) when (e is OnnxRuntimeException or EntryPointNotFoundException or NotSupportedException)
        {
            return RuntimeErrors.Text(e);
        }
    }

    private static void Add(SessionOptions session, ExecutionProvider provider, Dictionary<string, string> settings)
    {
        switch (provider)
        {
            case ExecutionProvider.Cpu:
                session.AppendExecutionProvider_CPU();
                break;
            case ExecutionProvider.Cuda:
                using (var cuda = new OrtCUDAProviderOptions())
                {
                    cuda.UpdateOptions(settings);
                    session.AppendExecutionProvider_CUDA(cuda);
                }

                break;
            case ExecutionProvider.TensorRt:
                using (var tensorRt = new OrtTensorRTProviderOptions())
                {
                    tensorRt.UpdateOptions(settings);
                    session.AppendExecutionProvider_Tensorrt(tensorRt);
                }

                break;
            case ExecutionProvider.DirectMl:
                session.AppendExecutionProvider("DML", settings);
                break;
            case ExecutionProvider.OpenVino:
                session.AppendExecutionProvider("OpenVINO", settings);
                break;
            case ExecutionProvider.CoreMl:
                session.AppendExecutionProvider("CoreML", settings);
                break;
        }
    }

    private static Dictionary<string, string> Settings(ExecutionProvider provider, OnnxSessionOptions options)
    {
        Dictionary<string, string> settings = [];
        if (provider is ExecutionProvider.Cuda or ExecutionProvider.TensorRt or ExecutionProvider.DirectMl)
            settings["device_id"] = options.Device.ToString(CultureInfo.InvariantCulture);
        foreach (var (name, value) in options.ProviderOptions.GetValueOrDefault(provider) ?? new Dictionary<string, string>())
            settings[name] = value;
        return settings;
    }
}
