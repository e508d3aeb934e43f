using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Torch.Kernels;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Native;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Benchmarks;

/// <summary>
/// One denoising step of full-size Stable Diffusion 1.5 with a control network, random weights, 512x512, classifier-free guidance: compared
/// with the time that its convolutions, matrix products and attentions take as bare libtorch calls on the same weights in the same run.
/// </summary>
internal static class StepBenchmark
{
    /// <param name="precision">Precision of the networks.</param>
    /// <param name="repeats">Number of measured steps, after one for warm-up; their median is reported.</param>
    /// <param name="side">Side of the image in pixels.</param>
    /// <param name="progress">Receives the name of each stage.</param>
    /// <param name="cancellationToken">Checked before each step.</param>
    public static StepResult Run(Precision precision, int repeats, int side, Action<string> progress, CancellationToken cancellationToken)
    {
        TorchNative.EnsureLoaded();
        var device = TorchDevice.From(new LoadOptions { Precision = precision, Device = "cpu" });
        progress("random weights");
        using var unet = RandomWeights.Fill(
            Unset.On(device.Type, device.Device, () => new UNet2DConditionModel(UNetConfig.StableDiffusion15)));
        using var network = RandomWeights.Fill(
            Unset.On(device.Type, device.Device, () => new ControlNetModel(ControlNetConfig.StableDiffusion15)));
        using var control = new TorchControlBackend(ControlNetConfig.StableDiffusion15, network, device);
        using var textEncoder = RandomWeights.Fill(
            Unset.On(ScalarType.Float32, device.Device, () => new ClipTextModel(ClipTextConfig.ClipL)));
        using var autoencoder = RandomWeights.Fill(
            Unset.On(ScalarType.Float32, device.Device, () => new AutoencoderKL(AutoencoderConfig.StableDiffusion15)));
        using var backend = new TorchBackend(device, [new(textEncoder)], new(unet), new(autoencoder));

        progress("text and condition");
        var text = backend.EncodeText([Enumerable.Repeat(49407, 77).ToArray()], null);
        var hint = control.EncodeCondition(TensorData.Zeros(1, 3, side, side));
        var inputs = new DenoiserInputs { Text = Twice(text.Hidden), Controls = [(control, Twice(hint))] };
        var denoiser = backend.CreateDenoiser(inputs);
        var sample = TensorData.Zeros(2, 4, side / 8, side / 8);
        new Random(0).NextFloats(sample.Values);
        var prediction = TensorData.Zeros(2, 4, side / 8, side / 8);
        var scales = TensorData.Zeros(2, ControlNetConfig.StableDiffusion15.DownResiduals + 1);
        Array.Fill(scales.Values, 1f);

        List<BareOperation> operations = [];
        Operations.Observer = operations.Add;
        Step();
        Operations.Observer = null;

        denoiser.Dispose();
        progress("decoding");
        var decode = Timing.Of(() => backend.DecodeImage(TensorData.Zeros(1, 4, side / 8, side / 8)));
        var peak = ProcessMemory.Peak();
        denoiser = backend.CreateDenoiser(inputs);

        // Ours and bare alternate, so that a change of the machine's speed affects both.
        var bare = new BareRun(operations, device);
        List<double> ours = [], theirs = [];
        for (var i = 0; i < repeats; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            progress($"step {i + 1} of {repeats}");
            ours.Add(Timing.Of(Step));
            theirs.Add(Timing.Of(bare.Run));
        }

        denoiser.Dispose();
        return new StepResult(
            device.ToString(), side, repeats, Timing.Median(ours), Timing.Median(theirs), Timing.Median(
                [.. ours.Zip(theirs, (a, b) => a / b)]), decode,
            Bytes(unet) + Bytes(network) + Bytes(textEncoder) + Bytes(autoencoder), peak);

        void Step() => denoiser.Predict(sample, 500, [new ControlStep(0, scales)], prediction);
    }

    private static TensorData Twice(TensorData data) => new([.. data.Values, .. data.Values], [2, .. data.Shape[1..]]);

    private static long Bytes(nn.Module network) => network.parameters().Sum(p => p.numel() * 4);

    private static void NextFloats(this Random random, Span<float> values)
    {
        foreach (ref var value in values)
            value = (random.NextSingle() * 2) - 1;
    }
}

/// <summary>Runs the operations of a step bare: on preallocated inputs of the right shapes, dropping outputs at once.</summary>
internal sealed class BareRun(IReadOnlyList<BareOperation> operations, TorchDevice device)
{
    private readonly Dictionary<string, Tensor> _inputs = [];

    public void Run()
    {
        using var _ = no_grad();
        foreach (var operation in operations)
        {
            using var scope = NewDisposeScope();
            operation.Call([.. operation.Inputs.Select(Input)]);
        }
    }

    private Tensor Input(BareInput form)
    {
        var key = $"{string.Join(',', form.Shape)} {form.IsChannelsLast}";
        if (!_inputs.TryGetValue(key, out var input))
        {
            using var scope = NewDisposeScope();
            var values = rand(form.Shape, dtype: ScalarType.Float32).to(device.Type);
            _inputs[key] = input = (form.IsChannelsLast ? ChannelsLast.Of(values) : values).DetachFromDisposeScope();
        }

        return input;
    }
}

/// <summary>The measurements.</summary>
/// <param name="Device">Runtime, device, precision.</param>
/// <param name="Side">Side of the image, pixels.</param>
/// <param name="Repeats">Number of measured steps.</param>
/// <param name="StepSeconds">Median time of a step.</param>
/// <param name="BareSeconds">Median time of the bare operations.</param>
/// <param name="Ratio">Median of the ratios, pair by pair.</param>
/// <param name="DecodeSeconds">Time of decoding one image.</param>
/// <param name="WeightBytesFloat32">Size of all weights in float32.</param>
/// <param name="PeakBytes">
/// Peak memory of the process over loading, text, condition, a step and decoding, before the bare operations.
/// </param>
internal sealed record StepResult(
    string Device, int Side, int Repeats, double StepSeconds, double BareSeconds, double Ratio, double DecodeSeconds,
    long WeightBytesFloat32, long PeakBytes);
