using ControlNet.ML.Configuration;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Models;

/// <summary>The locked network: predicts the noise (or velocity) in a sample, given time and text, and what control networks add.</summary>
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
    /// <returns>[N, out_channels, H, W].</returns>
    public Tensor Forward(Tensor sample, UNetInputs inputs, ControlResiduals? residuals = null)
    {
        using var scope = NewDisposeScope();

        // 1. time
        var time = EmbedTime(inputs);

        // 2. encoder and middle
        var (skips, x) = Encode(conv_in.forward(sample), time, inputs.Text);

        // 3. control: added to the skip tensors and the middle, never to the encoder's own stream, never in place
        if (residuals is not null)
        {
            x = x + residuals.Middle;
            for (var i = 0; i < skips.Count; i++)
                skips[i] = skips[i] + residuals.Skips[i];
        }

        // 4. decoder
        var remaining = new Stack<Tensor>(skips);
        foreach (var block in up_blocks)
            x = block.forward(x, time, inputs.Text, remaining);

        // 5. out
        return ResnetBlock.Convolve(conv_norm_out, conv_out, x).MoveToOuterDisposeScope();
    }

    private UpBlock UpLevel(int index)
    {
        var channels = _config.BlockOutChannels;
        var level = channels.Length - 1 - index;
        var outputs = channels[level];
        var previous = channels[Math.Min(level + 1, channels.Length - 1)];
        var below = channels[Math.Max(level - 1, 0)];
        var layers = _config.LayersPerBlock + 1;
        return new UpBlock(
            [.. Enumerable.Range(0, layers).Select(i => Resnet((i == 0 ? previous : outputs) + (i == layers - 1 ? below : outputs), outputs))],
            _config.UpBlockTypes[index] == "CrossAttnUpBlock2D"
                ? [.. Enumerable.Range(0, layers).Select(_ => Transformer(outputs, level))]
                : null,
            level == 0 ? null : new Upsample(outputs));
    }
}
