using System.Runtime.InteropServices;
using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Onnx;
using ControlNet.ML.Torch.Benchmarks;
using ControlNet.ML.Weights;
using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Cli.Benchmarks;

/// <summary>
/// One denoising step of full-size Stable Diffusion 1.5 with a control network, meaningless weights, 512x512, classifier-free guidance, as
/// graphs that this library exports: compared with merely running the graphs in the same process. <c>step</c> is the same on libtorch.
/// </summary>
internal static class OnnxBenchmark
{
    private const string Model = "model", Control = "control";

    /// <summary>Writes the weights and exports them.</summary>
    /// <param name="folder">The folder to write to.</param>
    /// <param name="isInt8">Whether to export 8-bit weights.</param>
    /// <param name="cancellationToken">Stops the export.</param>
    /// <returns>Seconds of the export, peak memory of the process, and the size of the UNet's weights in the files.</returns>
    public static (double Seconds, long PeakBytes, long LargestBytes) Write(string folder, bool isInt8, CancellationToken cancellationToken)
    {
        var weights = Path.Combine(folder, "weights");
        SaveBenchmark.Write(Path.Combine(weights, Model));
        WriteControl(Path.Combine(weights, Control));
        var options = new OnnxExportOptions { Int8 = isInt8 };
        var model = ModelFolder.Open(Path.Combine(weights, Model), parts: ModelParts.UNet);
        ProcessMemory.ForgetPeak();
        var seconds = Timing.Of(() =>
        {
            OnnxExporter.Export(model, Path.Combine(folder, Model), options, progress: null, cancellationToken);
            OnnxExporter.ExportControl(Path.Combine(weights, Control), Path.Combine(folder, Control), options, null, cancellationToken);
        });
        var largest = new FileInfo(Path.Combine(folder, Model, "unet", "model.onnx_data")).Length;
        Directory.Delete(weights, recursive: true);
        return (seconds, ProcessMemory.Peak(), largest);
    }

    /// <summary>Measures steps.</summary>
    /// <param name="folder">The folder that <see cref="Write"/> wrote to.</param>
    /// <param name="settings">The number of measured steps, after one for warm-up, and the execution providers.</param>
    /// <param name="side">Side of the image in pixels.</param>
    /// <param name="cancellationToken">Checked before each step.</param>
    public static OnnxStepResult Run(string folder, BenchmarkSettings settings, int side, CancellationToken cancellationToken)
    {
        var options = new LoadOptions { Backend = new OnnxBackendProvider(), Parts = ModelParts.UNet, Device = settings.Device };
        using var model = DiffusionModel.Load(Path.Combine(folder, Model), options, cancellationToken);
        using var control = ControlNetwork.Load(Path.Combine(folder, Control), options, cancellationToken);
        var text = Noise(2, 77, model.Folder.UNet.CrossAttentionDim);
        var hint = Noise(2, 320, side / 8, side / 8);
        var (sample, prediction) = (Noise(2, 4, side / 8, side / 8), TensorData.Zeros(2, 4, side / 8, side / 8));
        var scales = TensorData.Zeros(2, control.Config.DownResiduals + 1);
        Array.Fill(scales.Values, 1f);
        using var denoiser = model.Backend.CreateDenoiser(new() { Text = text, Controls = [(control.Backend, hint)] });
        Ours();
        var peak = ProcessMemory.Peak();
        using var bare = new BareGraphs(
            ((OnnxBackend)model.Backend).UNets.For(hasControls: true, areBuiltIn: false).Network.Session(),
            ((OnnxControlBackend)control.Backend).Graph.Network.Session(),
            sample,
            text,
            hint);
        bare.Run();

        // Alternately, so that a change of the machine's speed affects both.
        List<double> ours = [], theirs = [];
        for (var i = 0; i < settings.Repeats; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ours.Add(Timing.Of(Ours));
            theirs.Add(Timing.Of(bare.Run));
        }

        return new OnnxStepResult(
            model.Backend.Description, settings.Repeats, Timing.Median(ours), Timing.Median(theirs),
            Timing.Median([.. ours.Zip(theirs, (a, b) => a / b)]), peak);

        void Ours() => denoiser.Predict(sample, 500, [new ControlStep(0, scales)], prediction);
    }

    private static void WriteControl(string folder)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "config.json"), ControlNetConfig.StableDiffusion15.ToJson());
        var block = new byte[1 << 20];
        MemoryMarshal.Cast<byte, Half>(block.AsSpan()).Fill((Half)0.01f);
        SafetensorsWriter.Write(
            Path.Combine(folder, "diffusion_pytorch_model.safetensors"),
            KeyMap.For(ControlNetConfig.StableDiffusion15).Tensors.Select(tensor => new TensorContent(
                tensor.Name, TensorType.F16, tensor.Shape, stream => LoadBenchmark.Fill(stream, tensor.Shape, block))));
    }

    private static TensorData Noise(params ReadOnlySpan<int> shape)
    {
        var (data, random) = (TensorData.Zeros(shape), new Random(0));
        foreach (ref var value in data.Values.AsSpan())
            value = (random.NextSingle() * 2) - 1;
        return data;
    }

    /// <summary>The same sessions, merely run: inputs that are made once, residuals that go from one to the other.</summary>
    private sealed class BareGraphs : IDisposable
    {
        private readonly InferenceSession _unet, _control;
        private readonly Dictionary<string, OrtValue> _inputs;
        private readonly RunOptions _options = new();
        private readonly double[] _scale = [1];

        public BareGraphs(InferenceSession unet, InferenceSession control, TensorData sample, TensorData text, TensorData hint)
        {
            (_unet, _control) = (unet, control);
            _inputs = new()
            {
                ["sample"] = Value(sample),
                ["timestep"] = Value(new TensorData([500f])),
                ["encoder_hidden_states"] = Value(text),
                ["controlnet_hint"] = Value(hint),
                ["conditioning_scale"] = OrtValue.CreateTensorValueFromMemory(_scale, []),
            };
        }

        public void Run()
        {
            using var residuals = Run(_control, []);
            using var prediction = Run(_unet, _control.OutputNames.Zip(residuals).ToDictionary(pair => pair.First, pair => pair.Second));
        }

        public void Dispose()
        {
            foreach (var input in _inputs.Values)
                input.Dispose();
            _options.Dispose();
        }

        private IDisposableReadOnlyCollection<OrtValue> Run(InferenceSession session, Dictionary<string, OrtValue> residuals) =>
            session.Run(
                _options,
                session.InputNames,
                [.. session.InputNames.Select(name => residuals.GetValueOrDefault(name) ?? _inputs[name])],
                session.OutputNames);

        private static OrtValue Value(TensorData data) =>
            OrtValue.CreateTensorValueFromMemory(data.Values, [.. data.Shape.ToArray().Select(size => (long)size)]);
    }
}

/// <summary>The measurements.</summary>
/// <param name="Device">Runtime and provider.</param>
/// <param name="Repeats">Number of measured steps.</param>
/// <param name="StepSeconds">Median time of a step.</param>
/// <param name="BareSeconds">Median time of running the graphs.</param>
/// <param name="Ratio">Median of the ratios, pair by pair.</param>
/// <param name="PeakBytes">Peak memory of the process after a step.</param>
internal sealed record OnnxStepResult(
    string Device, int Repeats, double StepSeconds, double BareSeconds, double Ratio, long PeakBytes);
