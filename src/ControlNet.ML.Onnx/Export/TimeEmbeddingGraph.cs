using System.Globalization;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Onnx;

/// <summary>The vector that every resnet receives: SiLU of the time embedding, with the additions of SDXL and LCM.</summary>
/// <param name="graph">The graph.</param>
/// <param name="config">The configuration.</param>
/// <param name="guidanceWidth">Width of the guidance embedding, or null.</param>
internal sealed class TimeEmbeddingGraph(GraphBuilder graph, EncoderConfig config, int? guidanceWidth)
{
    /// <param name="inputs">The network's inputs.</param>
    /// <returns>[N or 1, width].</returns>
    public GraphValue Embed(EncoderInputs inputs)
    {
        var channels = config.BlockOutChannels[0];
        var sinusoids = graph.ToCompute(Sinusoids(inputs.Timestep, channels));
        if (inputs.GuidanceCondition is { } condition)
        {
            var added = graph.Linear(
                "time_embedding.cond_proj", graph.ToCompute(condition), guidanceWidth!.Value, channels, hasBias: false);
            sinusoids = graph.Add(sinusoids, added);
        }

        var time = Project("time_embedding", sinusoids, channels);
        if (inputs.PooledText is { } pooled)
        {
            var width = config.AdditionTimeEmbedDim!.Value;
            var sizes = graph.Reshape(Sinusoids(inputs.TimeIds!.Value, width), -1, EncoderInputs.Sizes * width);
            var both = graph.ToCompute(graph.Concat(1, pooled, sizes));
            time = graph.Add(time, Project("add_embedding", both, config.ProjectionClassEmbeddingsInputDim!.Value));
        }

        return graph.Silu(time);
    }

    /// <summary>Linear, SiLU, linear.</summary>
    private GraphValue Project(string at, GraphValue x, int inputs)
    {
        var hidden = graph.Silu(graph.Linear(at + ".linear_1", x, inputs, config.TimeEmbedDim));
        return graph.Linear(at + ".linear_2", hidden, config.TimeEmbedDim, config.TimeEmbedDim);
    }

    /// <summary>
    /// The sinusoids of numbers, always in float32: exp(−ln 10000 · i / (half − shift)) · t, cosines first when flipped (diffusers'
    /// get_timestep_embedding).
    /// </summary>
    /// <param name="numbers">Any shape.</param>
    /// <param name="width">Width of the result.</param>
    /// <returns>[numbers, width].</returns>
    private GraphValue Sinusoids(GraphValue numbers, int width)
    {
        var half = width / 2;
        var frequencies = new float[half];
        for (var i = 0; i < half; i++)
            frequencies[i] = (float)Math.Exp(i * -(float)Math.Log(10000) / (float)(half - config.FreqShift));
        var name = string.Create(CultureInfo.InvariantCulture, $"frequencies_{half}");
        var angles = graph.Multiply(graph.Reshape(numbers, -1, 1), graph.Singles(name, frequencies, 1, half));
        var (sine, cosine) = (graph.Node("Sin", [angles]), graph.Node("Cos", [angles]));
        var both = config.FlipSinToCos ? graph.Concat(1, cosine, sine) : graph.Concat(1, sine, cosine);
        return width % 2 == 0 ? both : graph.Node("Pad", [both, graph.Integers(0, 0, 0, 1)]);
    }
}
