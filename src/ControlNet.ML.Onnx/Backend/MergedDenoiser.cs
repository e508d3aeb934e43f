using ControlNet.ML.Diffusion;
using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx;

/// <summary>
/// A UNet with built-in control networks. The graph always runs all of them: those without a condition, and those that are not active, get
/// the scale 0. It has one scale for each network, so rows that differ in their scales are run one after the other.
/// </summary>
internal sealed class MergedDenoiser : IDenoiser
{
    private readonly UNetGraph _unet;
    private readonly UseCount _use;
    private readonly DenoiserInputs _inputs;
    private readonly int[] _indices;
    private readonly int _networks;
    private readonly KeptInputs _kept = new();
    private readonly UNetSample _sample;

    /// <summary>Checks that the networks are those of the graph.</summary>
    /// <param name="unet">The UNet.</param>
    /// <param name="graph">The full path of its graph.</param>
    /// <param name="use">Guards the model.</param>
    /// <param name="inputs">Texts, conditions and so on.</param>
    /// <exception cref="ControlNetException">A control network is not built into the graph, or an input does not fit it.</exception>
    public MergedDenoiser(UNetGraph unet, string graph, UseCount use, DenoiserInputs inputs)
    {
        (_unet, _use, _inputs) = (unet, use, inputs);
        unet.Check(inputs);
        _networks = GraphReader.Size(unet.BuiltIn!.Value.Images, 0) ?? inputs.Controls.Count;
        _sample = new UNetSample(inputs);
        _indices = [.. inputs.Controls.Select(control => control.Network is BuiltInControlBackend builtIn && builtIn.Graph == graph
            ? builtIn.Index
            : throw new ControlNetException(
                $"{unet.Network.Title}: has its control networks built in, and takes no other: expected the model's own, the model's name "
                    + "with #1, #2 and so on."))];
        if (_indices.Distinct().Count() < _indices.Length)
            throw new ControlNetException(
                $"{unet.Network.Title}: takes one condition for each built-in control network, and one of them is used twice.");
    }

    public void Predict(TensorData sample, double timestep, IReadOnlyList<ControlStep> controls, TensorData prediction)
    {
        ArgumentNullException.ThrowIfNull(sample);
        ArgumentNullException.ThrowIfNull(controls);
        ArgumentNullException.ThrowIfNull(prediction);
        _use.Enter();
        try
        {
            var groups = Enumerable.Range(0, sample.Shape[0]).GroupBy(row => string.Join(' ', Scales(controls, row)));
            foreach (var group in groups.Select(group => group.ToArray()))
            {
                foreach (var batch in RowBatches.Of(group.Length, _unet.Batch))
                    Predict(sample, timestep, controls, [.. batch.Select(i => group[i])], prediction);
            }
        }
        finally
        {
            _use.Leave();
        }
    }

    public void Dispose() => _kept.Dispose();

    private void Predict(TensorData sample, double timestep, IReadOnlyList<ControlStep> controls, int[] rows, TensorData prediction)
    {
        var (images, scales) = _unet.BuiltIn!.Value;
        var shape = scales.Shape.Select(size => Math.Max(size, 1)).ToArray();
        shape[^1] = _networks;
        using var factors = OnnxTensors.Create(scales, Scales(controls, rows[0]), shape);
        _unet.Predict(
            _kept,
            _inputs,
            _sample.With(sample),
            timestep,
            rows,
            [(images, _kept.For(_unet.Network, images, rows, () => Images(images, sample, rows))), (scales, factors)],
            prediction);
    }

    /// <summary>The scale of each built-in network for a row.</summary>
    private float[] Scales(IReadOnlyList<ControlStep> controls, int row)
    {
        var result = new float[_networks];
        foreach (var control in controls)
        {
            var scales = control.Scales.Row(row);
            if (scales.ContainsAnyExcept(scales[0]))
                throw new ControlNetException(
                    $"{_unet.Network.Title}: has one scale for all residuals of a built-in control network, and this weighting scales them "
                        + "differently: expected uniform weighting, without guess mode.");
            result[_indices[control.Control]] = scales[0];
        }

        return result;
    }

    /// <summary>The conditions of all networks, [networks, rows, 3, H, W]; zeros for a network without one.</summary>
    private OrtValue Images(OnnxPort port, TensorData sample, int[] rows)
    {
        const int channels = 3, scale = 8;
        int[] known = _inputs.Controls.Count > 0
            ? [.. _inputs.Controls[0].Hint.Shape[1..]]
            : [channels, sample.Shape[2] * scale, sample.Shape[3] * scale];
        var length = rows.Length * known.Aggregate(1, (a, b) => a * b);
        var values = new float[_networks * length];
        for (var i = 0; i < _indices.Length; i++)
            KeptInputs.Gather(_inputs.Controls[i].Hint, rows).CopyTo(values.AsSpan(_indices[i] * length));
        return OnnxTensors.Create(port, values, [_networks, rows.Length, .. known]);
    }
}
