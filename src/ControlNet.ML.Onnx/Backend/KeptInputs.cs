using Microsoft.ML.OnnxRuntime;

namespace ControlNet.ML.Onnx;

/// <summary>Inputs that stay the same in all steps: each is converted once for every set of rows that a network gets.</summary>
internal sealed class KeptInputs : IDisposable
{
    private readonly Dictionary<(OnnxNetwork Network, string Port, string Rows), OrtValue> _values = [];

    /// <summary>The value of an input for some rows.</summary>
    /// <param name="network">The graph.</param>
    /// <param name="port">Its input.</param>
    /// <param name="data">All rows.</param>
    /// <param name="rows">The rows, in the order in which the graph gets them.</param>
    /// <returns>The value, which lives as long as this.</returns>
    public OrtValue For(OnnxNetwork network, OnnxPort port, TensorData data, int[] rows) =>
        For(network, port, rows, () => OnnxTensors.Create(port, Gather(data, rows), [rows.Length, .. data.Shape[1..]]));

    /// <summary>The value of an input for some rows.</summary>
    /// <param name="network">The graph.</param>
    /// <param name="port">Its input.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="create">Creates the value if it is not there yet.</param>
    public OrtValue For(OnnxNetwork network, OnnxPort port, int[] rows, Func<OrtValue> create)
    {
        var key = (network, port.Name, string.Join(' ', rows));
        if (!_values.TryGetValue(key, out var value))
            _values.Add(key, value = create());
        return value;
    }

    /// <summary>Some rows of a tensor; the tensor's own values if these are all rows in their order.</summary>
    public static float[] Gather(TensorData data, int[] rows)
    {
        if (rows.AsSpan().SequenceEqual(Enumerable.Range(0, data.Shape[0]).ToArray()))
            return data.Values;
        var length = data.Count / data.Shape[0];
        var values = new float[length * rows.Length];
        for (var i = 0; i < rows.Length; i++)
            data.Row(rows[i]).CopyTo(values.AsSpan(i * length));
        return values;
    }

    public void Dispose()
    {
        foreach (var value in _values.Values)
            value.Dispose();
        _values.Clear();
    }
}
