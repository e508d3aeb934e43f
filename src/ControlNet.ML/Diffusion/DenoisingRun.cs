using ControlNet.ML.Configuration;

namespace ControlNet.ML.Diffusion;

/// <summary>
/// The networks of one run of the loop, prepared for its batch: all rows, and without those of the negative prompt once guidance ends.
/// </summary>
/// <param name="backend">The networks.</param>
/// <param name="unet">The UNet's configuration.</param>
/// <param name="rows">The images.</param>
internal sealed class DenoisingRun(IDiffusionBackend backend, UNetConfig unet, IReadOnlyList<DenoisingRow> rows) : IDisposable
{
    private readonly Approximation _approximation = rows[0].Approximation;
    private DenoisingPass _pass = new(rows, unet);
    private ReusePlan _reuse = new(rows[0].Approximation);
    private IDenoiser? _denoiser;

    /// <summary>Prepares a step.</summary>
    /// <param name="step">Its index, from 0.</param>
    /// <param name="steps">The number of steps.</param>
    /// <returns>The batch, whose sample the caller fills.</returns>
    public DenoisingPass Begin(int step, int steps)
    {
        if (_pass.IsGuided && !_approximation.IsGuided(step, steps))
        {
            Dispose();
            _pass = new DenoisingPass([.. rows.Select(row => row with { Guidance = 1 })], unet);
            _reuse = new ReusePlan(_approximation);
        }

        _denoiser ??= backend.CreateDenoiser(_pass.Inputs);
        return _pass;
    }

    /// <summary>Runs the networks on the batch's sample.</summary>
    /// <param name="timestep">The timestep.</param>
    /// <param name="step">The step's index.</param>
    /// <param name="steps">The number of steps.</param>
    public void Predict(double timestep, int step, int steps)
    {
        var controls = _pass.ControlsAt(step, steps);
        _denoiser!.Predict(_pass.Sample, timestep, controls, _reuse.At(step, controls), _pass.Prediction);
    }

    public void Dispose()
    {
        _denoiser?.Dispose();
        _denoiser = null;
    }
}
