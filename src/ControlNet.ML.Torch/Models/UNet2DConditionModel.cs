using ControlNet.ML.Configuration;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Models;

/// <summary>
/// The locked network: predicts the noise (or velocity) in a sample, given time, text and the residuals of control networks.
/// </summary>
internal sealed class UNet2DConditionModel : UNetEncoder
{
    public readonly ModuleList<UpBlock> up_blocks;
    public readonly GroupNorm conv_norm_out;
    public readonly Convolution conv_out;
    private readonly UNetConfig _config;

    public UNet2DConditionModel(UNetConfig config)
        : base(nameof(UNet2DConditionModel), config, config.TimeCondProjDim)
    {
        _config = config;
        up_blocks = new([.. Enumerable.Range(0, config.BlockOutChannels.Length).Select(UpLevel)]);
        conv_norm_out = new GroupNorm(config.NormNumGroups, config.BlockOutChannels[0], config.NormEps);
        conv_out = new Convolution(config.BlockOutChannels[0], config.OutChannels, kernel: 3, padding: 1);
        RegisterComponents();
    }

    /// <param name="sample">[N, in_channels, H, W].</param>
    /// <param name="inputs">Time, text and so on, N rows each.</param>
    /// <param name="residuals">The summed residuals of the control networks, or null.</param>
    /// <param name="keep">Receives the deep features, or null.</param>
    /// <returns>[N, out_channels, H, W].</returns>
    public Tensor Forward(Tensor sample, UNetInputs inputs, ControlResiduals? residuals = null, DeepFeatures? keep = null)
    {
        using var scope = NewDisposeScope();

        // 1. time, encoder and middle
        var encoded = Encode(sample, inputs);

        // 2. control
        if (residuals is not null)
            encoded = encoded.With(residuals);

        // 3. decoder
        return Decode(encoded, inputs.Text, keep).MoveToOuterDisposeScope();
    }

    /// <summary>Time embedding, encoder and middle, which control networks do not change.</summary>
    /// <param name="sample">[N, in_channels, H, W].</param>
    /// <param name="inputs">Time, text and so on, N rows each.</param>
    public EncodedSample Encode(Tensor sample, UNetInputs inputs)
    {
        var time = EmbedTime(inputs);
        var (skips, middle) = Encode(conv_in.forward(sample), time, inputs.Text);
        return new EncodedSample(skips, middle, time);
    }

    /// <summary>The decoder: levels, then norm, SiLU, convolution.</summary>
    /// <param name="encoded">The encoder's output, with residuals added.</param>
    /// <param name="text">[N, tokens, width].</param>
    /// <returns>[N, out_channels, H, W].</returns>
    public Tensor Decode(EncodedSample encoded, TextContext text) => Decode(encoded, text, keep: null);

    /// <summary>Runs the outermost layers alone, on deep features of an earlier step.</summary>
    /// <param name="sample">[N, in_channels, H, W].</param>
    /// <param name="inputs">Time, text and so on, N rows each.</param>
    /// <param name="residuals">The summed residuals of the control networks, or null.</param>
    /// <param name="features">Of a step with the same rows.</param>
    /// <returns>[N, out_channels, H, W].</returns>
    public Tensor ForwardShallow(Tensor sample, UNetInputs inputs, ControlResiduals? residuals, DeepFeatures features)
    {
        using var scope = NewDisposeScope();
        var time = EmbedTime(inputs);
        List<Tensor> skips = [conv_in.forward(sample)];
        for (var i = 0; skips.Count < DeepFeatures.Layers; i++)
            skips.Add(down_blocks[0].Layer(i, skips[^1], time, inputs.Text));
        if (residuals is { Skips.Count: > 0 })
            skips = [.. skips.Zip(residuals.Skips, (skip, residual) => skip.Plus(residual))];
        return Out(RunLast(features.Value, time, inputs.Text, new Stack<Tensor>(skips))).MoveToOuterDisposeScope();
    }

    private Tensor Decode(EncodedSample encoded, TextContext text, DeepFeatures? keep)
    {
        var remaining = new Stack<Tensor>(encoded.Skips);
        var x = encoded.Middle;
        foreach (var block in up_blocks.SkipLast(1))
            x = block.forward(x, encoded.Time, text, remaining);
        var last = up_blocks[^1];
        x = last.Layers(0, last.resnets.Count - DeepFeatures.Layers, x, encoded.Time, text, remaining);
        keep?.Keep(x);
        return Out(RunLast(x, encoded.Time, text, remaining));
    }

    /// <summary>The decoder's last layers.</summary>
    private Tensor RunLast(Tensor x, Tensor time, TextContext text, Stack<Tensor> skips)
    {
        var last = up_blocks[^1];
        return last.Layers(last.resnets.Count - DeepFeatures.Layers, last.resnets.Count, x, time, text, skips);
    }

    /// <summary>The output layers: norm, SiLU, convolution.</summary>
    /// <param name="x">The last level's output.</param>
    public Tensor Out(Tensor x) => ResnetBlock.Convolve(conv_norm_out, conv_out, x);

    private UpBlock UpLevel(int index)
    {
        var channels = _config.BlockOutChannels;
        var level = channels.Length - 1 - index;
        var outputs = channels[level];
        var previous = channels[Math.Min(level + 1, channels.Length - 1)];
        var below = channels[Math.Max(level - 1, 0)];
        var layers = _config.LayersPerBlock + 1;
        return new UpBlock(
            [
                .. Enumerable.Range(0, layers).Select(
                    i => Resnet((i == 0 ? previous : outputs) + (i == layers - 1 ? below : outputs), outputs))],
            _config.HasUpAttention(index)
                ? [.. Enumerable.Range(0, layers).Select(_ => Transformer(outputs, level))]
                : null,
            level == 0 ? null : new Upsample(outputs));
    }
}
