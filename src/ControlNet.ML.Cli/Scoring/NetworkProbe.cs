using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>
/// Tells a row that comes to no number from networks that give none for any row: only the latter stop a run. What this process has made says
/// nothing about that, since a run may be gone on with at any row.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="options">The run's settings.</param>
internal sealed class NetworkProbe(DiffusionModel model, GenerateOptions options)
{
    private bool _passed;

    /// <summary>Makes the row's image once more with nothing in it that could be too large: no prompt, blank conditions, usual scales.</summary>
    /// <param name="row">The row.</param>
    /// <param name="failure">What was wrong with it.</param>
    /// <param name="cancellationToken">Seen before every step.</param>
    /// <exception cref="ControlNetException">That came to no number either.</exception>
    public void Check(LoadedRow row, Exception failure, CancellationToken cancellationToken)
    {
        if (_passed)
            return;
        var usual = new GenerateOptions();
        var request = new GenerateRequest(
            "",
            [.. row.Image.Controls.Select(control => new ControlInput(control.Network, new ImageBuffer(control.Condition.Width, control.Condition.Height, control.Condition.Channels)))],
            row.Image.Options with { NegativePrompt = null, Guidance = usual.Guidance, GuidanceRescale = usual.GuidanceRescale, Eta = usual.Eta, Steps = options.Steps, Seed = options.Seed });
        if (model.GenerateEach([request], cancellationToken: cancellationToken)[0].Failure is NotFiniteException)
        {
            throw new ControlNetException(
                $"row {row.Request.Row}: {failure.Message} An image with no prompt, blank conditions and every scale 1 comes to no number either: the weights of '{model.Name}'"
                + $"{string.Concat(row.Image.Controls.Select(control => $" or '{control.Network.Name}'"))} are damaged or too large for the precision.",
                failure);
        }

        _passed = true;
    }
}
