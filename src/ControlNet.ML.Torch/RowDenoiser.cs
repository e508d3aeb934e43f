using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Torch;

/// <summary>
/// Denoises the rows of a batch one after the other, each as a batch of its own: the activations of one row are in memory, whatever the
/// number of images and whether they are guided.
/// </summary>
internal sealed class RowDenoiser : IDenoiser
{
    private readonly IDenoiser[] _rows;
    private readonly bool[] _hasResiduals;

    /// <param name="inputs">The inputs of the batch.</param>
    /// <param name="create">Prepares the networks for one row.</param>
    public RowDenoiser(DenoiserInputs inputs, Func<DenoiserInputs, IDenoiser> create)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(create);
        List<IDenoiser> rows = [];
        try
        {
            for (var row = 0; row < inputs.Text.Shape[0]; row++)
                rows.Add(create(RowOf(inputs, row)));
        }
        catch
        {
            rows.ForEach(row => row.Dispose());
            throw;
        }

        (_rows, _hasResiduals) = ([.. rows], new bool[rows.Count]);
    }

    public void Predict(TensorData sample, double timestep, IReadOnlyList<ControlStep> controls, TensorData prediction) =>
        Predict(sample, timestep, controls, StepReuse.None, prediction);

    public void Predict(
        TensorData sample, double timestep, IReadOnlyList<ControlStep> controls, StepReuse reuse, TensorData prediction)
    {
        ArgumentNullException.ThrowIfNull(sample);
        ArgumentNullException.ThrowIfNull(controls);
        ArgumentNullException.ThrowIfNull(prediction);
        for (var row = 0; row < _rows.Length; row++)
        {
            // Guess mode and windows leave control networks out of some rows.
            var own = controls.Where(control => control.Scales.Row(row).ContainsAnyExcept(0f))
                .Select(control => control with { Scales = RowOf(control.Scales, row) }).ToArray();
            var reused = reuse;
            if (!reuse.HasFlag(StepReuse.Controls))
                _hasResiduals[row] = own.Length > 0;
            else if (!_hasResiduals[row])
                reused &= ~StepReuse.Controls;
            var predicted = RowOf(prediction, row);
            _rows[row].Predict(RowOf(sample, row), timestep, own, reused, predicted);
            predicted.Values.CopyTo(prediction.Row(row));
        }
    }

    public void Dispose()
    {
        foreach (var row in _rows)
            row.Dispose();
    }

    private static DenoiserInputs RowOf(DenoiserInputs inputs, int row) => inputs with
    {
        Text = RowOf(inputs.Text, row),
        PooledText = RowOrNone(inputs.PooledText, row),
        TimeIds = RowOrNone(inputs.TimeIds, row),
        GuidanceCondition = RowOrNone(inputs.GuidanceCondition, row),
        ExtraChannels = RowOrNone(inputs.ExtraChannels, row),
        Controls = [.. inputs.Controls.Select(control => (control.Network, RowOf(control.Hint, row)))],
    };

    private static TensorData? RowOrNone(TensorData? data, int row) => data is null ? null : RowOf(data, row);

    private static TensorData RowOf(TensorData data, int row) => new(data.Row(row).ToArray(), [1, .. data.Shape[1..]]);
}
