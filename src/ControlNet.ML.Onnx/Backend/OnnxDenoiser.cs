using ControlNet.ML.Diffusion;
using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx;

/// <summary>A UNet and control networks that are graphs of their own.</summary>
internal sealed class OnnxDenoiser : IDenoiser
{
    private readonly UNetGraph _unet;
    private readonly UseCount _use;
    private readonly DenoiserInputs _inputs;
    private readonly OnnxControlBackend[] _controls;
    private readonly KeptInputs _kept = new();
    private readonly UNetSample _sample;

    /// <summary>Checks that the networks fit each other and the inputs.</summary>
    /// <param name="unet">The UNet.</param>
    /// <param name="use">Guards the model.</param>
    /// <param name="inputs">Texts, hints and so on.</param>
    /// <exception cref="ControlNetException">They do not fit.</exception>
    public OnnxDenoiser(UNetGraph unet, UseCount use, DenoiserInputs inputs)
    {
        (_unet, _use, _inputs) = (unet, use, inputs);
        _controls = [.. inputs.Controls.Select(control => OnnxControlBackend.Of(control.Network))];
        _sample = new UNetSample(inputs);
        unet.Check(inputs);
        foreach (var control in _controls)
            control.CheckFor(unet, inputs);
    }

    public void Predict(TensorData sample, double timestep, IReadOnlyList<ControlStep> controls, TensorData prediction)
    {
        ArgumentNullException.ThrowIfNull(sample);
        ArgumentNullException.ThrowIfNull(controls);
        ArgumentNullException.ThrowIfNull(prediction);
        _use.Enter();
        try
        {
            foreach (var rows in RowBatches.Of(sample.Shape[0], _unet.Batch))
                Predict(sample, timestep, controls, rows, prediction);
        }
        finally
        {
            _use.Leave();
        }
    }

    public void Dispose() => _kept.Dispose();

    private void Predict(TensorData sample, double timestep, IReadOnlyList<ControlStep> controls, int[] rows, TensorData prediction)
    {
        using var sum = new ResidualSum(rows.Length);
        foreach (var control in controls)
            Add(sum, control, sample, timestep, rows, isOnly: controls.Count == 1);
        List<OrtValue> converted = [];
        try
        {
            IEnumerable<(OnnxPort, OrtValue)> residuals = sum.Values.Count > 0
                ? _unet.Residuals.Zip(sum.Values, (port, value) => (port, Converted(port, value)))
                : _unet.NoResiduals(_kept, rows.Length, sample.Shape[2], sample.Shape[3]);
            _unet.Predict(_kept, _inputs, _sample.With(sample), timestep, rows, residuals, prediction);
        }
        finally
        {
            converted.ForEach(value => value.Dispose());
        }

        OrtValue Converted(OnnxPort port, OrtValue value)
        {
            if (port.Element == OnnxElement.Single || !value.IsSingle())
                return value;
            var own = OnnxTensors.Create(port, value.ToData().Values, value.Shape());
            converted.Add(own);
            return own;
        }
    }

    /// <summary>
    /// Runs one control network for those of the rows in which it applies, and adds its scaled residuals. If there is nothing to add or
    /// scale, they stay on the device, where the UNet reads them.
    /// </summary>
    private void Add(ResidualSum sum, ControlStep control, TensorData sample, double timestep, int[] rows, bool isOnly)
    {
        var network = _controls[control.Control];
        var hint = _inputs.Controls[control.Control].Hint;
        var positions = Enumerable.Range(0, rows.Length).Where(i => control.Scales.Row(rows[i]).ContainsAnyExcept(0f)).ToArray();
        foreach (var batch in RowBatches.Of(positions.Length, network.Graph.Batch))
        {
            int[] picked = [.. batch.Select(i => rows[positions[i]])];
            float[][] scales = [.. picked.Select(row => control.Scales.Row(row).ToArray())];

            // A network scales all its residuals by one number; what is scaled by several is scaled outside.
            var common = network.Graph.TakesScale && scales.All(row => !row.AsSpan().ContainsAnyExcept(scales[0][0])) ? scales[0][0] : 1f;
            if (common != 1)
                scales = [.. scales.Select(row => Enumerable.Repeat(1f, row.Length).ToArray())];
            var isFinal = isOnly && picked.AsSpan().SequenceEqual(rows) && scales.All(row => !row.AsSpan().ContainsAnyExcept(1f))
                && network.Graph.Network.Feeds(network.Graph.Residuals, _unet.Network, _unet.Residuals);
            var residuals = network.Run(_kept, _inputs, hint, sample, timestep, picked, common, isFinal);
            if (isFinal)
                sum.Take(residuals);
            else
                sum.Add(residuals, [.. batch.Select((i, k) => k > 0 && batch[k - 1] == i ? -1 : positions[i])], scales);
        }
    }
}
