using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Torch.Kernels;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Native;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Benchmarks;

/// <summary>
/// The step of <see cref="StepBenchmark"/> with plain kernels and with measured ones, in one process on the same weights.
/// </summary>
internal sealed class KernelBenchmark : IDisposable
{
    private const int Side = 512;
    private readonly TorchDevice _device;
    private readonly UNet2DConditionModel _unet;
    private readonly ControlNetModel _network;
    private readonly TensorData _sample = TensorData.Zeros(2, 4, Side / 8, Side / 8);
    private readonly TensorData _text = TensorData.Zeros(2, 77, 768);
    private readonly TensorData _hint = TensorData.Zeros(2, 320, Side / 8, Side / 8);

    private KernelBenchmark(Precision precision)
    {
        TorchNative.EnsureLoaded();
        _device = TorchDevice.From(new LoadOptions { Precision = precision, Device = "cpu", Kernels = KernelChoice.Plain });
        _unet = RandomWeights.Fill(
            Unset.On(_device.Type, _device.Device, () => new UNet2DConditionModel(UNetConfig.StableDiffusion15)));
        _network = RandomWeights.Fill(
            Unset.On(_device.Type, _device.Device, () => new ControlNetModel(ControlNetConfig.StableDiffusion15)));
        var random = new Random(0);
        foreach (var data in new[] { _sample, _text, _hint })
        {
            for (var i = 0; i < data.Count; i++)
                data.Values[i] = (random.NextSingle() * 2) - 1;
        }
    }

    /// <summary>Measures all kernels of a step, however long it takes.</summary>
    /// <param name="cancellationToken">Checked before the step.</param>
    public static (string Device, IReadOnlyList<KernelMeasurement> Kernels) Kernels(CancellationToken cancellationToken)
    {
        using var benchmark = new KernelBenchmark(Precision.Float32);
        cancellationToken.ThrowIfCancellationRequested();
        var table = new KernelTable(double.PositiveInfinity);
        benchmark.Step(table);
        return (benchmark._device.ToString(), table.Measurements);
    }

    /// <summary>Times pairs of steps, with all kernels measured: what the budget would leave to later processes is chosen, too.</summary>
    /// <param name="precision">Precision of the networks.</param>
    /// <param name="repeats">Number of pairs.</param>
    /// <param name="cancellationToken">Checked before each step.</param>
    public static KernelResult Run(Precision precision, int repeats, CancellationToken cancellationToken)
    {
        using var benchmark = new KernelBenchmark(precision);
        var table = new KernelTable(double.PositiveInfinity);
        var (first, _) = benchmark.Step(null);
        var (_, plain) = benchmark.Step(null);
        List<BareOperation> operations = [];
        var bare = new BareRun(operations, benchmark._device);
        var (measuring, measured) = Observed();
        bare.Run();

        // All alternate, so that a change of the machine's speed affects all.
        List<double> theirs = [], ours = [], bares = [];
        for (var i = 0; i < repeats; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            theirs.Add(benchmark.Step(null).Seconds);
            ours.Add(Observed().Seconds);
            bares.Add(Timing.Of(bare.Run));
        }

        return new KernelResult(
            benchmark._device.ToString(), repeats, Timing.Median(theirs), Timing.Median(ours),
            Timing.Median([.. theirs.Zip(ours, (a, b) => a / b)]), Timing.Median([.. ours.Zip(bares, (a, b) => a / b)]),
            table.MeasuringSeconds, measuring - first, Distance(plain, measured));

        // The bare calls use the weights as they lie in this step.
        (double Seconds, TensorData Prediction) Observed()
        {
            operations.Clear();
            Operations.Observer = operations.Add;
            try
            {
                return benchmark.Step(table);
            }
            finally
            {
                Operations.Observer = null;
            }
        }
    }

    public void Dispose()
    {
        _unet.Dispose();
        _network.Dispose();
    }

    /// <summary>One step with weights laid out for the kernels, which is not part of the time.</summary>
    private (double Seconds, TensorData Prediction) Step(KernelTable? kernels)
    {
        using (no_grad())
        {
            ChannelsLast.LayWeights(_unet, kernels is not null);
            ChannelsLast.LayWeights(_network, kernels is not null);
        }

        var device = _device with { Kernels = kernels };
        var control = new TorchControlBackend(ControlNetConfig.StableDiffusion15, _network, device);
        var scales = TensorData.Zeros(2, ControlNetConfig.StableDiffusion15.DownResiduals + 1);
        Array.Fill(scales.Values, 1f);
        var prediction = TensorData.Zeros(_sample.Shape);
        using var denoiser = new TorchDenoiser(
            _unet, new NetworkUse(typeof(DiffusionModel), kernels), device,
            new DenoiserInputs { Text = _text, Controls = [(control, _hint)] });
        return (Timing.Of(() => denoiser.Predict(_sample, 500, [new ControlStep(0, scales)], prediction)), prediction);
    }

    private static double Distance(TensorData a, TensorData b)
    {
        using var scope = NewDisposeScope();
        return KernelMeter.Distance(b.ToTorch(ScalarType.Float32, CPU), a.ToTorch(ScalarType.Float32, CPU));
    }
}

/// <summary>The measurements.</summary>
/// <param name="Device">Runtime, device, precision.</param>
/// <param name="Repeats">Number of pairs.</param>
/// <param name="PlainSeconds">Median time of a step with plain kernels.</param>
/// <param name="MeasuredSeconds">Median time of a step with measured kernels.</param>
/// <param name="Ratio">Median of plain / measured, pair by pair.</param>
/// <param name="RatioToBare">Median of measured / the same kernels as bare calls.</param>
/// <param name="MeasuringSeconds">Time that choosing the kernels took, without the budget of <see cref="KernelTable"/>.</param>
/// <param name="ExtraSeconds">Time by which the first step with measured kernels is longer than the first plain one.</param>
/// <param name="Distance">Largest difference of the two predictions, relative to the largest value.</param>
internal sealed record KernelResult(
    string Device, int Repeats, double PlainSeconds, double MeasuredSeconds, double Ratio, double RatioToBare, double MeasuringSeconds,
    double ExtraSeconds, double Distance);
