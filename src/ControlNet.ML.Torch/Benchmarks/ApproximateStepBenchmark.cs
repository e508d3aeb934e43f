using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Torch.Native;

namespace ControlNet.ML.Torch.Benchmarks;

/// <summary>
/// What the steps of an <see cref="Approximation"/> take, relative to a whole step of full-size Stable Diffusion 1.5 with a control
/// network, random weights, 512x512, classifier-free guidance.
/// </summary>
internal static class ApproximateStepBenchmark
{
    /// <param name="repeats">Number of rounds, after one for warm-up; medians are reported.</param>
    /// <param name="side">Side of the image in pixels.</param>
    /// <param name="cancellationToken">Checked before each step.</param>
    public static ApproximateSteps Run(int repeats, int side, CancellationToken cancellationToken)
    {
        TorchNative.EnsureLoaded();
        var device = TorchDevice.From(new LoadOptions { Device = "cpu" });
        using var unet = RandomWeights.Fill(
            Unset.On(device.Type, device.Device, () => new UNet2DConditionModel(UNetConfig.StableDiffusion15)));
        var config = ControlNetConfig.StableDiffusion15;
        using var control = new TorchControlBackend(
            config, RandomWeights.Fill(Unset.On(device.Type, device.Device, () => new ControlNetModel(config))), device);
        using var backend = new TorchBackend(device, [], new(unet), null);
        var hint = control.EncodeCondition(TensorData.Zeros(1, 3, side, side));
        using var both = new Steps(backend, control, hint, rows: 2, side, config.DownResiduals + 1);
        using var one = new Steps(backend, control, hint, rows: 1, side, config.DownResiduals + 1);

        List<double> whole = [], kept = [], shallow = [], unguided = [];
        for (var i = 0; i <= repeats; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            whole.Add(both.Time(StepReuse.None));
            kept.Add(both.Time(StepReuse.Controls) / whole[^1]);
            shallow.Add(both.Time(StepReuse.Controls | StepReuse.Features) / whole[^1]);
            unguided.Add(one.Time(StepReuse.None) / whole[^1]);
        }

        return new ApproximateSteps(device.ToString(), repeats, Median(whole), Median(kept), Median(shallow), Median(unguided));

        static double Median(List<double> values) => Timing.Median(values.Skip(1));
    }

    /// <summary>A batch's steps.</summary>
    private sealed class Steps : IDisposable
    {
        private readonly IDenoiser _denoiser;
        private readonly TensorData _sample, _prediction;
        private readonly ControlStep[] _controls;

        public Steps(TorchBackend backend, TorchControlBackend control, TensorData hint, int rows, int side, int residuals)
        {
            var text = TensorData.Zeros(rows, 77, UNetConfig.StableDiffusion15.CrossAttentionDim);
            new TorchRandom(0).FillNormal(text.Values);
            _sample = TensorData.Zeros(rows, 4, side / 8, side / 8);
            new TorchRandom(1).FillNormal(_sample.Values);
            _prediction = TensorData.Zeros(_sample.Shape);
            var scales = TensorData.Zeros(rows, residuals);
            Array.Fill(scales.Values, 1f);
            _controls = [new ControlStep(0, scales)];
            var hints = Enumerable.Repeat(hint.Values, rows).SelectMany(row => row).ToArray();
            _denoiser = backend.CreateDenoiser(new DenoiserInputs
            {
                Text = text,
                Controls = [(control, new TensorData(hints, [rows, .. hint.Shape[1..]]))],
                Approximation = new() { FeatureInterval = 2 },
            });
        }

        public double Time(StepReuse reuse) => Timing.Of(() => _denoiser.Predict(_sample, 500, _controls, reuse, _prediction));

        public void Dispose() => _denoiser.Dispose();
    }
}

/// <summary>The measurements.</summary>
/// <param name="Device">Runtime, device, precision.</param>
/// <param name="Repeats">Number of rounds.</param>
/// <param name="StepSeconds">Median time of a whole step.</param>
/// <param name="WithResiduals">A step with residuals of an earlier one, relative to a whole step.</param>
/// <param name="WithFeatures">A step with residuals and deep features of an earlier one, relative to a whole step.</param>
/// <param name="WithoutGuidance">A whole step without the negative prompt's row, relative to one with it.</param>
internal sealed record ApproximateSteps(
    string Device, int Repeats, double StepSeconds, double WithResiduals, double WithFeatures, double WithoutGuidance);
