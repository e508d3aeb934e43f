using ControlNet.ML.Configuration;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>
/// The half that the locked UNet and the control network share: time embedding, first convolution, encoder levels and middle
/// (paper Figure 3, left and right alike). <see cref="ControlNetModel"/> is this class with zero convolutions, and
/// <see cref="UNet2DConditionModel"/> this class with a decoder, so the trainable copy is a copy by construction.
/// </summary>
internal abstract class UNetEncoder : Module
{
    public readonly Convolution conv_in;
    public readonly TimestepEmbedding time_embedding;
    public readonly TimestepEmbedding? add_embedding;
    public readonly ModuleList<DownBlock> down_blocks;
    public readonly MidBlock? mid_block;
    private readonly EncoderConfig _config;

    /// <param name="name">The network's name.</param>
    /// <param name="config">Its configuration.</param>
    /// <param name="timeConditionWidth">Width of the guidance embedding of distilled (LCM) models, or null.</param>
    protected UNetEncoder(string name, EncoderConfig config, int? timeConditionWidth = null)
        : base(name)
    {
        _config = config;
        var channels = config.BlockOutChannels;
        TimeWidth = channels[0] * 4;

        conv_in = new Convolution(config.InChannels, channels[0], kernel: 3, padding: 1);
        time_embedding = new TimestepEmbedding(channels[0], TimeWidth, timeConditionWidth);
        add_embedding = config.AdditionEmbedType is null
            ? null
            : new TimestepEmbedding(config.ProjectionClassEmbeddingsInputDim!.Value, TimeWidth);

        down_blocks = new([.. Enumerable.Range(0, channels.Length).Select(DownLevel)]);
        mid_block = config.HasMiddle ? Middle() : null;
    }

    /// <summary>Width of the time embedding: four times the first level's channels.</summary>
    protected int TimeWidth { get; }

    /// <summary>A resnet of this network.</summary>
    protected ResnetBlock Resnet(int inputs, int outputs, double divisor = 1) =>
        new(inputs, outputs, TimeWidth, _config.NormNumGroups, _config.NormEps, divisor);

    /// <summary>A transformer of a level of the encoder or decoder.</summary>
    protected SpatialTransformer Transformer(int channels, int level) => Transformer(channels, level, _config.OnlyCrossAttention);

    private SpatialTransformer Transformer(int channels, int level, bool onlyCross) => new(
        channels,
        _config.HeadsPerLevel[level],
        _config.CrossAttentionDim,
        _config.TransformerLayersPerBlock[level],
        _config.NormNumGroups,
        _config.UseLinearProjection,
        onlyCross,
        _config.UpcastAttention);

    /// <summary>The vector that every resnet receives: SiLU of the time embedding, with the additions of SDXL and LCM.</summary>
    /// <param name="inputs">The inputs besides the sample.</param>
    protected Tensor EmbedTime(UNetInputs inputs)
    {
        var width = conv_in.weight.shape[0];
        var type = conv_in.weight.dtype;
        var sinusoids = TimestepEmbedding.Sinusoids(inputs.Timesteps, width, _config.FlipSinToCos, _config.FreqShift).to(type);
        var time = time_embedding.forward(sinusoids, inputs.GuidanceCondition);
        if (add_embedding is not null)
        {
            var sizes = TimestepEmbedding.Sinusoids(
                inputs.TimeIds!.flatten(), _config.AdditionTimeEmbedDim!.Value, _config.FlipSinToCos, _config.FreqShift);
            var added = cat([inputs.PooledText!, sizes.reshape(inputs.PooledText!.shape[0], -1).to(type)], dim: -1);
            time = time.Plus(add_embedding.forward(added, null));
        }

        return functional.silu(time);
    }

    /// <summary>Runs encoder and middle.</summary>
    /// <param name="x">The output of <see cref="conv_in"/>, to which a control network has added its hint.</param>
    /// <param name="time">From <see cref="EmbedTime"/>.</param>
    /// <param name="text">The text, [N, tokens, width].</param>
    /// <returns>
    /// The skip tensors in order, the first of which is <paramref name="x"/>, and the middle's output; without a middle block, the last
    /// skip tensor.
    /// </returns>
    protected (List<Tensor> Skips, Tensor Middle) Encode(Tensor x, Tensor time, TextContext text)
    {
        List<Tensor> skips = [x];
        foreach (var block in down_blocks)
            x = block.forward(x, time, text, skips);
        return (skips, mid_block is null ? x : mid_block.forward(x, time, text));
    }

    private MidBlock Middle()
    {
        var last = _config.BlockOutChannels.Length - 1;
        var channels = _config.BlockOutChannels[last];
        return _config.HasMiddleAttention
            ? new MidBlock([Layer(), Layer()], Transformer(channels, last, onlyCross: false))
            : new MidBlock([Layer()], null);

        ResnetBlock Layer() => Resnet(channels, channels, _config.MidBlockScaleFactor);
    }

    private DownBlock DownLevel(int level)
    {
        var outputs = _config.BlockOutChannels[level];
        var inputs = _config.BlockOutChannels[Math.Max(level - 1, 0)];
        var layers = _config.LayersPerBlock;
        return new DownBlock(
            [.. Enumerable.Range(0, layers).Select(i => Resnet(i == 0 ? inputs : outputs, outputs))],
            _config.HasAttention(level)
                ? [.. Enumerable.Range(0, layers).Select(_ => Transformer(outputs, level))]
                : null,
            level == _config.BlockOutChannels.Length - 1 ? null : new Downsample(outputs, _config.DownsamplePadding));
    }
}
