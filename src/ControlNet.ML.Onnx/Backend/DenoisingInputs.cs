using System.Globalization;
using ControlNet.ML.Diffusion;
using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx;

/// <summary>The inputs that a UNet and its control networks have in common: latents, timestep, texts, sizes.</summary>
internal sealed class DenoisingInputs
{
    private readonly OnnxNetwork _network;
    private readonly OnnxPort? _sample, _timestep, _text, _pooledText, _timeIds, _guidance;

    /// <summary>Finds them in a graph's signature.</summary>
    /// <param name="network">The graph.</param>
    /// <param name="isLite">Whether time and text may be missing: ControlNet-lite.</param>
    /// <exception cref="ControlNetException">One is missing.</exception>
    public DenoisingInputs(OnnxNetwork network, bool isLite = false)
    {
        _network = network;
        var inputs = network.Signature.Inputs;
        _sample = network.Require(inputs, "input sample", GraphNames.Sample);
        _timestep = isLite ? inputs.Find(GraphNames.Timestep) : network.Require(inputs, "input timestep", GraphNames.Timestep);
        _text = isLite ? inputs.Find(GraphNames.Text) : network.Require(inputs, "input encoder_hidden_states", GraphNames.Text);
        _pooledText = inputs.Find(GraphNames.PooledText);
        _timeIds = inputs.Find(GraphNames.TimeIds);
        _guidance = inputs.Find(GraphNames.GuidanceCondition);
    }

    /// <summary>The inputs that are there.</summary>
    public IEnumerable<OnnxPort> Ports =>
        new[] { _sample, _timestep, _text, _pooledText, _timeIds, _guidance }.OfType<OnnxPort>();

    /// <summary>Channels of the latents; null if they are not declared.</summary>
    public int? Channels => GraphReader.Size(_sample, 1);

    /// <summary>The width of the text embeddings; null if it is not declared.</summary>
    public int? TextWidth => GraphReader.Size(_text, 2);

    /// <summary>The number of rows that the graph always takes; null for any number.</summary>
    public int? Batch => GraphReader.Size(_sample, 0);

    /// <summary>Throws if the graph does not take the inputs of a batch.</summary>
    /// <param name="inputs">Texts and sizes.</param>
    /// <exception cref="ControlNetException">An input is missing, or has another width.</exception>
    public void Check(DenoiserInputs inputs)
    {
        Require(_text, inputs.Text, "text embeddings");
        Require(_pooledText, inputs.PooledText, "pooled text embeddings, as SDXL has them");
        Require(_timeIds, inputs.TimeIds, "sizes, as SDXL has them");
        Require(_guidance, inputs.GuidanceCondition, "an embedding of the guidance scale");
    }

    /// <summary>Adds the values for some rows.</summary>
    /// <param name="values">Receives them by name.</param>
    /// <param name="kept">The values that all steps have in common.</param>
    /// <param name="inputs">Texts and sizes of all rows.</param>
    /// <param name="sample">The latents of all rows, [R, C, h, w].</param>
    /// <param name="timestep">The timestep.</param>
    /// <param name="rows">The rows, in the order in which the graph gets them.</param>
    /// <param name="own">Receives the values that only this step has; the caller disposes them.</param>
    public void Add(
        Dictionary<string, OrtValue> values, KeptInputs kept, DenoiserInputs inputs, TensorData sample, double timestep, int[] rows,
        List<OrtValue> own)
    {
        var latents = OnnxTensors.Create(
            _sample!, KeptInputs.Gather(sample, rows), [rows.Length, .. sample.Shape[1..]]);
        own.Add(latents);
        values[_sample!.Name] = latents;
        if (_timestep is not null)
        {
            var time = OnnxTensors.Fill(_timestep, Timestep(timestep), TimestepShape(rows.Length));
            own.Add(time);
            values[_timestep.Name] = time;
        }

        foreach (var (port, data) in new[]
        {
            (_text, inputs.Text), (_pooledText, inputs.PooledText), (_timeIds, inputs.TimeIds), (_guidance, inputs.GuidanceCondition),
        })
        {
            if (port is not null)
                values[port.Name] = kept.For(_network, port, data!, rows);
        }
    }

    private int[] TimestepShape(int rows) => _timestep!.Shape.Count == 0 ? [] : [GraphReader.Size(_timestep, 0) ?? rows];

    /// <summary>The timestep as the graph takes it.</summary>
    private double Timestep(double timestep) =>
        _timestep!.Element is not (OnnxElement.Int64 or OnnxElement.Int32) || timestep == Math.Round(timestep)
            ? timestep
            : throw new ControlNetException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{_network.Title}: takes whole timesteps only, and the scheduler has {timestep}: expected a scheduler, or a timestep ")
                    + "spacing, with whole ones, such as ddim.");

    private void Require(OnnxPort? port, TensorData? data, string what)
    {
        if (port is null)
            return;
        if (data is null)
            throw new ControlNetException($"{_network.Title}: takes {what} ({port}), which the model does not have.");
        for (var i = 1; i < port.Shape.Count && i < data.Shape.Length; i++)
        {
            if (port.Shape[i] >= 0 && port.Shape[i] != data.Shape[i])
                throw new ControlNetException(
                    $"{_network.Title}: takes {what} as {port}, and the model's are {data}: expected networks of one family"
                        + (port.Name == GraphNames.Text && i == 1 ? ", and a prompt in one window." : "."));
        }
    }
}
