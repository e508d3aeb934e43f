using System.CommandLine;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Onnx;
using ControlNet.ML.Torch;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Cli.Commands;

/// <summary>The runtime of the networks, which <c>--backend</c> names.</summary>
internal static class BackendChoice
{
    private const string Torch = "torch", Onnx = "onnx";

    /// <summary>The option; what the model is decides by default.</summary>
    public static Option<string?> Option() => Option(
        "Runtime of the networks: 'torch' loads weights, 'onnx' runs ONNX graphs, to which it exports weights first; by default what the "
            + "model consists of.");

    /// <summary>The option of commands that fetch files for a runtime.</summary>
    public static Option<string?> DownloadOption() => Option(
        "Runtime that the files are for: 'torch' takes weights, 'onnx' ONNX graphs where there are any; by default weights where there "
            + "are any.");

    /// <summary>The runtime of a name; null for none.</summary>
    public static IBackendProvider? Of(string? name) => name switch
    {
        Torch => new TorchBackendProvider(),
        Onnx => new OnnxBackendProvider(),
        _ => null,
    };

    /// <summary>The name of a runtime that was asked for; null for none.</summary>
    public static string? NameOf(IBackendProvider? provider) => provider is null ? null : provider.RunsGraphs ? Onnx : Torch;

    /// <summary>
    /// The options of a control network: it runs where its model runs, also if it consists of weights and the model of graphs. A
    /// Control-LoRA changes the model's UNet.
    /// </summary>
    /// <param name="load">How the model is loaded.</param>
    /// <param name="folder">The model.</param>
    public static LoadOptions ForControls(LoadOptions load, ModelFolder folder) => load with
    {
        Backend = load.Backend is null && folder.Graphs is not null ? new OnnxBackendProvider() : load.Backend,
        ControlBase = folder.Path,
    };

    /// <summary>Whether a model runs on libtorch.</summary>
    /// <param name="load">How it is loaded.</param>
    /// <param name="folder">The model.</param>
    public static bool UsesTorch(LoadOptions load, ModelFolder folder) => !(load.Backend?.RunsGraphs ?? folder.Graphs is not null);

    private static Option<string?> Option(string description)
    {
        var option = new Option<string?>("--backend") { Description = description };
        option.AcceptOnlyFromAmong(Torch, Onnx);
        return option;
    }
}
