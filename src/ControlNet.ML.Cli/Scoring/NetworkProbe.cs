using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>
/// Tells apart a row whose result is not finite and networks whose results are never finite: only the latter stop a run. The rows that this
/// process has scored are no evidence, since a run may resume at any row.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="options">The run's settings.</param>
internal sealed class NetworkProbe(DiffusionModel model, GenerateOptions options)
{
    private bool _passed;

    /// <summary>
    /// Generates the row's image again without anything that could be too large: no prompt, blank conditions, default scales.
    /// </summary>
    /// <param name="row">The row.</param>
    /// <param name="failure">Its failure.</param>
    /// <param name="cancellationToken">Checked before each step.</param>
    /// <exception cref="ControlNetException">That result is not finite either.</exception>
    public void Check(LoadedRow row, Exception failure, CancellationToken cancellationToken)
    {
        if (_passed)
            return;
        var usual = new GenerateOptions();
        var request = new GenerateRequest(
            "",
            [.. row.Image.Controls.Select(control => new ControlInput(control.Network, Blank(control.Condition!)))],
            row.Image.Options with
            {
                NegativePrompt = null,
                Guidance = usual.Guidance,
                GuidanceRescale = usual.GuidanceRescale,
                Eta = usual.Eta,
                Steps = options.Steps,
                Seed = options.Seed,
            });
        if (model.GenerateEach([request], cancellationToken: cancellationToken)[0].Failure is NotFiniteException)
        {
            var networks = string.Concat(row.Image.Controls.Select(control => $" or '{control.Network.Name}'"));
            throw new ControlNetException(
                $"row {row.Request.Row}: {failure.Message} An image with no prompt, blank conditions and every scale 1 is not finite "
                    + $"either: the weights of '{model.Name}'{networks} are damaged or too large for the precision.",
                failure);
        }

        _passed = true;

        static ImageBuffer Blank(ImageBuffer condition) => new(condition.Width, condition.Height, condition.Channels);
    }
}
