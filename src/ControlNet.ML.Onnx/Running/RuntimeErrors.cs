using System.Text.RegularExpressions;
using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx;

/// <summary>Errors of ONNX Runtime as one line for users.</summary>
internal static partial class RuntimeErrors
{
    private static readonly string[] OfFile =
        ["[ErrorCode:NoSuchFile]", "[ErrorCode:NoModel]", "[ErrorCode:InvalidProtobuf]", "[ErrorCode:InvalidGraph]"];

    /// <summary>Whether the native library, or a function of it, could not be found.</summary>
    public static bool IsMissingLibrary(Exception error) =>
        error is DllNotFoundException or TypeInitializationException or BadImageFormatException or EntryPointNotFoundException;

    /// <summary>The error for an application without the native library, or with an older one.</summary>
    public static ControlNetException Missing(Exception error) => new(
        "The native ONNX Runtime is missing, or older than the managed one: add the package Microsoft.ML.OnnxRuntime (or "
            + "Microsoft.ML.OnnxRuntime.Gpu, or another with the execution provider that you want).",
        error);

    /// <summary>ONNX Runtime's message, first line only, without error codes and places in its source code.</summary>
    public static string Text(Exception error) =>
        Places().Replace((error.InnerException ?? error).Message.Split('\n', 2)[0].Trim(), "").TrimEnd('.');

    /// <summary>
    /// Whether a session failed because of its file, so that it fails on every provider: unreadable, damaged, or of another format.
    /// </summary>
    public static bool IsOfFile(OnnxRuntimeException error) =>
        OfFile.Any(code => error.Message.StartsWith(code, StringComparison.Ordinal));

    [GeneratedRegex(
        @"^\[ErrorCode:\w+\] (?:Load model from .* failed:)?|^.*\[ONNXRuntimeError\] : \d+ : \w+ : |\S+\.(?:cc|cpp|h|cu):\d+ \S+ ")]
    private static partial Regex Places();
}
