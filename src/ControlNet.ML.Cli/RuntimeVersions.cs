using System.CommandLine;
using System.CommandLine.Invocation;
using ControlNet.ML.Cli.Doctor;
using ControlNet.ML.Torch;

namespace ControlNet.ML.Cli;

/// <summary>What <c>--version</c> prints: this tool and the runtimes that it uses, one a line.</summary>
/// <param name="terminal">Where the lines go.</param>
internal sealed class RuntimeVersions(Terminal terminal) : SynchronousCommandLineAction
{
    /// <summary>Replaces a root command's version.</summary>
    public static void Use(RootCommand root, Terminal terminal)
    {
        foreach (var option in root.Options.OfType<VersionOption>())
            option.Action = new RuntimeVersions(terminal);
    }

    public override int Invoke(ParseResult parseResult)
    {
        var onnx = OnnxRuntimeReport.Read();
        terminal.Result($"controlnet {AssemblyVersion.Of(typeof(RuntimeVersions).Assembly)}");
        terminal.Result($".NET {Environment.Version}");
        terminal.Result($"TorchSharp {TorchRuntime.TorchSharpVersion}");
        terminal.Result($"libtorch {Libtorch()}");
        terminal.Result($"ONNX Runtime {onnx.Version ?? onnx.Failure}");
        return App.Success;
    }

    /// <summary>A version is asked for also where something is broken, so this is no failure of the command.</summary>
    private static string Libtorch()
    {
        try
        {
            return TorchRuntime.DescribeLibtorch();
        }
        catch (ControlNetException e)
        {
            return $"cannot be loaded: {e.Message}";
        }
    }
}
