using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx;

/// <summary>A UNet: its inputs by name, with those for the residuals of control networks if it has them.</summary>
internal sealed class UNetGraph : IDisposable
{
    private readonly UNetConfig _config;
    private readonly DenoisingInputs _inputs;
    private readonly OnnxPort _output;

    /// <summary>Opens a graph.</summary>
    /// <param name="network">The graph; disposed with this.</param>
    /// <param name="config">The model's configuration.</param>
    /// <exception cref="ControlNetException">It is no UNet, or one of another model.</exception>
    public UNetGraph(OnnxNetwork network, UNetConfig config)
    {
        (Network, _config) = (network, config);
        _inputs = new DenoisingInputs(network);
        _output = network.Signature.Outputs[0];
        Residuals = network.Signature.Inputs.Residuals() ?? [];
        var images = network.Signature.Inputs.Find(GraphNames.Conditions);
        var scales = network.Signature.Inputs.Find(GraphNames.Scales);
        network.RequireKnown([.. _inputs.Ports, .. Residuals, images, scales]);
        if (images is not null && scales is not null)
            BuiltIn = (images, scales);
        if (_inputs.Channels is { } channels && channels != config.InChannels)
            throw new ControlNetException(
                $"{network.Title}: takes {channels} channels, expected {config.InChannels} as its config.json says.");
        if (_inputs.TextWidth is { } width && width != config.CrossAttentionDim)
            throw new ControlNetException(
                $"{network.Title}: takes text embeddings of the width {width}, expected {config.CrossAttentionDim} as its config.json "
                    + "says.");
        CheckResiduals();
    }

    /// <summary>The graph.</summary>
    public OnnxNetwork Network { get; }

    /// <summary>The inputs for residuals, in the encoder's order and the middle block's last; empty if there are none.</summary>
    public IReadOnlyList<OnnxPort> Residuals { get; }

    /// <summary>The inputs for the conditions and scales of built-in control networks; null if there are none.</summary>
    public (OnnxPort Images, OnnxPort Scales)? BuiltIn { get; }

    /// <summary>The number of rows that the graph always takes; null for any number.</summary>
    public int? Batch => _inputs.Batch;

    /// <summary>Throws if the graph does not take the inputs of a batch.</summary>
    /// <exception cref="ControlNetException">It does not.</exception>
    public void Check(DenoiserInputs inputs) => _inputs.Check(inputs);

    /// <summary>Predicts the noise or velocity for some rows.</summary>
    /// <param name="kept">The values that all steps have in common.</param>
    /// <param name="inputs">Texts and sizes of all rows.</param>
    /// <param name="sample">The latents of all rows, with the UNet's extra channels.</param>
    /// <param name="timestep">The timestep.</param>
    /// <param name="rows">The rows, in the order in which the graph gets them.</param>
    /// <param name="further">Values of further inputs: residuals, or conditions and scales.</param>
    /// <param name="prediction">Receives the prediction of each of these rows, except repetitions of the last one.</param>
    public void Predict(
        KeptInputs kept, DenoiserInputs inputs, TensorData sample, double timestep, int[] rows,
        IEnumerable<(OnnxPort Port, OrtValue Value)> further, TensorData prediction)
    {
        Dictionary<string, OrtValue> values = [];
        List<OrtValue> own = [];
        try
        {
            _inputs.Add(values, kept, inputs, sample, timestep, rows, own);
            foreach (var (port, value) in further)
                values[port.Name] = value;
            using var outputs = Network.Run(values, _output);
            var found = outputs[0].Shape();
            if (found is not [var count, ..] || count != rows.Length || (long)found.Aggregate(1, (a, b) => a * b) * prediction.Shape[0]
                != (long)prediction.Count * rows.Length)
                throw new ControlNetException(
                    $"{Network.Title}: gives [{string.Join(", ", found)}], expected {rows.Length} of the rows of {prediction}.");
            Scatter(outputs[0], rows, prediction);
        }
        finally
        {
            own.ForEach(value => value.Dispose());
        }
    }

    /// <summary>Zeros for all residuals: the UNet without control networks.</summary>
    /// <param name="kept">Keeps them for later steps.</param>
    /// <param name="rows">The number of rows.</param>
    /// <param name="height">Rows of the latents.</param>
    /// <param name="width">Columns of the latents.</param>
    public IEnumerable<(OnnxPort Port, OrtValue Value)> NoResiduals(KeptInputs kept, int rows, int height, int width) =>
        Residuals.Zip(ResidualLayout.All(_config.BlockOutChannels, _config.LayersPerBlock), (port, residual) =>
        {
            int[] shape = [rows, residual.Channels, Halved(height, residual.Halvings), Halved(width, residual.Halvings)];
            return (port, kept.For(Network, port, shape, () => OnnxTensors.Fill(port, 0, shape)));
        });

    public void Dispose() => Network.Dispose();

    /// <summary>A stride-2 convolution rounds up.</summary>
    private static int Halved(int size, int times)
    {
        for (; times > 0; times--)
            size = (size + 1) / 2;
        return size;
    }

    private static void Scatter(OrtValue output, int[] rows, TensorData prediction)
    {
        if (rows.AsSpan().SequenceEqual(Enumerable.Range(0, prediction.Shape[0]).ToArray()))
        {
            output.CopyTo(prediction.Values);
            return;
        }

        var data = output.ToData();
        for (var i = 0; i < rows.Length; i++)
            data.Row(i).CopyTo(prediction.Row(rows[i]));
    }

    private void CheckResiduals()
    {
        if (Residuals.Count == 0)
            return;
        var expected = ResidualLayout.All(_config.BlockOutChannels, _config.LayersPerBlock).ToList();
        if (expected.Count != Residuals.Count)
            throw new ControlNetException(
                $"{Network.Title}: takes {Residuals.Count} residuals, expected {expected.Count} as its config.json says.");
        foreach (var (port, (channels, _)) in Residuals.Zip(expected))
        {
            if (GraphReader.Size(port, 1) is { } found && found != channels)
                throw new ControlNetException(
                    $"{Network.Title}: takes {port}, expected {channels} channels as its config.json says.");
        }
    }
}
