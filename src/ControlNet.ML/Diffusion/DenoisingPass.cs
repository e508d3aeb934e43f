using ControlNet.ML.Configuration;

namespace ControlNet.ML.Diffusion;

/// <summary>Maps images to rows of the networks' batch, and the predictions for those rows back to images.</summary>
internal sealed class DenoisingPass
{
    private readonly IReadOnlyList<DenoisingRow> _images;
    private readonly double[][][] _weights;
    private readonly int[] _conditional;
    private readonly int[] _unconditional;

    public DenoisingPass(IReadOnlyList<DenoisingRow> images, UNetConfig unet)
    {
        _images = images;
        var guided = Enumerable.Range(0, images.Count).Where(i => Guidance.Rows(unet, images[i].Guidance) == 2).ToArray();
        Rows = [.. guided.Select(i => (i, false)), .. Enumerable.Range(0, images.Count).Select(i => (i, true))];
        _unconditional = [.. images.Select((_, i) => Array.IndexOf(guided, i))];
        _conditional = [.. images.Select((_, i) => guided.Length + i)];

        var shape = images[0].Noise.Shape;
        Sample = TensorData.Zeros(Rows.Length, shape[1], shape[2], shape[3]);
        Prediction = TensorData.Zeros(Rows.Length, unet.OutChannels, shape[2], shape[3]);
        var height = shape[2];
        _weights = [.. images.Select(image => image.Controls.Select(control =>
            ControlWeights.Of(control.Unit.Weighting, control.Network.Config, height, unet.TrainedSide)).ToArray())];
        Inputs = Gather(unet);
    }

    public (int Image, bool Conditional)[] Rows { get; }

    /// <summary>Whether there are rows without the prompt.</summary>
    public bool IsGuided => Rows.Length > _images.Count;

    public TensorData Sample { get; }

    public TensorData Prediction { get; }

    public DenoiserInputs Inputs { get; }

    public List<ControlStep> ControlsAt(int step, int steps)
    {
        List<ControlStep> active = [];
        for (var control = 0; control < _images[0].Controls.Count; control++)
        {
            var scales = TensorData.Zeros(Rows.Length, _weights[0][control].Length);
            for (var r = 0; r < Rows.Length; r++)
                FillScales(scales.Row(r), control, Rows[r], step, steps);
            if (scales.Values.AsSpan().ContainsAnyExcept(0f))
                active.Add(new ControlStep(control, scales));
        }

        return active;
    }

    public void Guide(int image, Span<float> result)
    {
        var conditional = Prediction.Row(_conditional[image]);
        if (_unconditional[image] < 0)
        {
            conditional.CopyTo(result);
            return;
        }

        Guidance.Combine(Prediction.Row(_unconditional[image]), conditional, (float)_images[image].Guidance, result);
        if (_images[image].GuidanceRescale > 0)
            Guidance.Rescale(conditional, (float)_images[image].GuidanceRescale, result);
    }

    private void FillScales(Span<float> scales, int control, (int Image, bool Conditional) row, int step, int steps)
    {
        var (network, _, unit) = _images[row.Image].Controls[control];
        var conditionalOnly = unit.Weighting.ConditionalOnly() || network.Config.GlobalPoolConditions;
        if (!unit.IsActive(step, steps) || (conditionalOnly && !row.Conditional))
            return;
        var weights = _weights[row.Image][control];
        for (var i = 0; i < weights.Length; i++)
            scales[i] = (float)(weights[i] * unit.Scale);
    }

    private DenoiserInputs Gather(UNetConfig unet)
    {
        var first = _images[0];
        return new DenoiserInputs
        {
            Text = Stack(row => Text(row).Hidden),
            PooledText = first.Text.Pooled is null ? null : Stack(row => Text(row).Pooled!),
            TimeIds = first.TimeIds is null
                ? null
                : Stack(row => new TensorData([.. _images[row.Image].TimeIds!.Select(id => (float)id)], 1, 6)),
            GuidanceCondition = unet.TimeCondProjDim is { } width
                ? Stack(row => new TensorData(Guidance.Embed(_images[row.Image].Guidance, width), 1, width))
                : null,
            ExtraChannels = first.ExtraChannels is null ? null : Stack(row => _images[row.Image].ExtraChannels!),
            Approximation = first.Approximation,
            Controls = [.. first.Controls.Select((control, i) => (control.Network, Stack(row => _images[row.Image].Controls[i].Hint)))],
        };
    }

    private TextEmbedding Text((int Image, bool Conditional) row) =>
        row.Conditional
            ? _images[row.Image].Text
            : _images[row.Image].NegativeText
                ?? throw new InvalidOperationException("Guidance needs a negative prompt, which may be empty.");

    /// <summary>Concatenates tensors [1, …] along the first dimension.</summary>
    private TensorData Stack(Func<(int Image, bool Conditional), TensorData> part)
    {
        var parts = Rows.Select(part).ToArray();
        return new TensorData([.. parts.SelectMany(p => p.Values)], [Rows.Length, .. parts[0].Shape[1..]]);
    }
}
