using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx.Tests.Backend;

/// <summary>
/// Models of several layouts, each loaded once for all tests of the assembly: ONNX Runtime takes seconds for a traced graph of thousands of
/// nodes.
/// </summary>
public sealed class PipelineModels : IDisposable
{
    // Text encoders and VAE of a complete layout, and UNet and control networks of another one.
    private static readonly Dictionary<string, (string Layout, string Start)[]> Folders = new()
    {
        ["sd1"] = [("sd1", "")],
        ["sd1-script"] = [("sd1-script", "")],
        ["sd1-named"] = [("sd1", ""), ("sd1-control-named", "controlnet"), ("sd1-control-named", "canny")],
        ["sd1-positional"] = [("sd1", ""), ("sd1-control-positional", "")],
        ["sd1-merged"] = [("sd1", ""), ("sd1-control-merged", "")],
        ["sdxl-named"] = [("sdxl", ""), ("sdxl-control-named", "controlnet"), ("sdxl-control-named", "canny")],
    };

    /// <summary>
    /// Constants are folded, nothing else: the further rewriting of a traced UNet's thousands of nodes is not worth its time for networks
    /// this small. Other tests run with the defaults.
    /// </summary>
    public static OnnxSessionOptions Session { get; } = new() { Threads = 1, Optimization = GraphOptimizationLevel.ORT_ENABLE_BASIC };

    private readonly OnnxLayouts _layouts = new();
    private readonly Dictionary<string, IDisposable> _loaded = [];

    public static LoadOptions Options => new() { Backend = new OnnxBackendProvider { Session = Session } };

    public string Folder(string name) => _layouts.Of(name, Folders[name]);

    public DiffusionModel Model(string name) => Load(name, () => DiffusionModel.Load(Folder(name), Options));

    /// <summary>The control networks of a model: fixtures' names and where they are in its folder.</summary>
    public ControlNetwork Control(string model, string control)
    {
        var place = (model, control[^1]) switch
        {
            ("sd1-named" or "sdxl-named", 'a') => Path.Combine(Folder(model), "canny"),
            ("sd1-positional", 'a') => Path.Combine(Folder(model), "controlnet", "model.onnx"),
            ("sd1-merged", 'a') => Folder(model) + "#1",
            ("sd1-merged", 'b') => Folder(model) + "#2",
            _ => throw new ArgumentException($"{model} has no {control}."),
        };
        return Load(place, () => ControlNetwork.Load(place, Options));
    }

    public void Dispose()
    {
        foreach (var loaded in _loaded.Values)
            loaded.Dispose();
        _layouts.Dispose();
    }

    private T Load<T>(string name, Func<T> load)
        where T : IDisposable
    {
        lock (_loaded)
        {
            if (!_loaded.TryGetValue(name, out var loaded))
                _loaded.Add(name, loaded = load());
            return (T)loaded;
        }
    }
}
