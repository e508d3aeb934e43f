namespace ControlNet.ML.Onnx;

/// <summary>Two 3x3 convolutions with the time embedding between them, added to the input (ResnetBlock2D).</summary>
/// <param name="Groups">Groups of the normalisations.</param>
/// <param name="Epsilon">Epsilon of the normalisations.</param>
/// <param name="TimeWidth">Width of the time embedding; 0 in the autoencoder, which has none.</param>
internal sealed record ResnetGraph(int Groups, double Epsilon, int TimeWidth = 0)
{
    /// <param name="graph">The graph.</param>
    /// <param name="at">The block's name in the checkpoint.</param>
    /// <param name="x">[N, inputs, H, W].</param>
    /// <param name="time">SiLU of the time embedding, [N or 1, TimeWidth], or null.</param>
    /// <param name="inputs">Input channels.</param>
    /// <param name="outputs">Output channels; if they differ, a 1x1 convolution converts the input.</param>
    /// <param name="divisor">Divisor of the sum (output_scale_factor).</param>
    public GraphValue Add(
        GraphBuilder graph, string at, GraphValue x, GraphValue? time, int inputs, int outputs, double divisor = 1)
    {
        var hidden = Convolve(graph, at, 1, x, inputs, outputs);
        if (time is { } embedding)
        {
            var added = graph.Linear(at + ".time_emb_proj", embedding, TimeWidth, outputs);
            hidden = graph.Add(hidden, graph.Node("Unsqueeze", [added, graph.Integers(2, 3)]));
        }

        hidden = Convolve(graph, at, 2, hidden, outputs, outputs);
        var sum = graph.Add(inputs == outputs ? x : graph.Convolution(at + ".conv_shortcut", x, inputs, outputs, kernel: 1), hidden);
        return divisor == 1 ? sum : graph.Divide(sum, graph.Number(divisor));
    }

    /// <summary>Norm, SiLU, convolution: the first or second half of the block.</summary>
    private GraphValue Convolve(GraphBuilder graph, string at, int half, GraphValue x, int inputs, int outputs)
    {
        var normed = graph.GroupNorm($"{at}.norm{half}", x, inputs, Groups, Epsilon);
        return graph.Convolution($"{at}.conv{half}", graph.Silu(normed), inputs, outputs);
    }
}
