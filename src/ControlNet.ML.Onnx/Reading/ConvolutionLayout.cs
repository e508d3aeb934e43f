namespace ControlNet.ML.Onnx;

/// <summary>The levels of a UNet's encoder, from the convolutions of its graph.</summary>
internal static class ConvolutionLayout
{
    /// <summary>The channels of each level, and its residual blocks.</summary>
    /// <returns>Null if the convolutions before the first upsampling are not those of one encoder.</returns>
    public static (int[] Channels, int Layers)? Of(GraphOutline outline)
    {
        List<int> channels = [];
        var (count, first, last) = (0, 0, 0);
        foreach (var node in outline.Nodes.TakeWhile(node => node.Operator is not ("Resize" or "Upsample")))
        {
            if (node.Operator != "Conv")
                continue;
            if (outline.ShapeOf(node.Input(1)) is not [<= int.MaxValue and var width, _, var kernel, _])
                return null;
            if (kernel != 3)
                continue;
            if (node.Stride == 2)
            {
                first = first == 0 ? count : first;
                channels.Add((int)width);
            }

            (count, last) = (count + 1, (int)width);
        }

        // Before the first downsampling there are the input's convolution and two for each residual block.
        return channels.Count > 0 && first % 2 == 1 && first > 1 ? ([.. channels, last], (first - 1) / 2) : null;
    }
}
