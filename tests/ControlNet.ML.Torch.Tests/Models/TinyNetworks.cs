using ControlNet.ML.Configuration;
using FsCheck;
using FsCheck.Fluent;

namespace ControlNet.ML.Torch.Tests.Models;

/// <summary>Arbitrary small UNets: levels, widths, layers, attention, heads, projections and conditions of every supported kind.</summary>
public sealed record TinyUNet(UNetConfig Config, int Height, int Width, int Batch, int Tokens, int Seed)
{
    /// <summary>For FsCheck: [Properties(Arbitrary = [typeof(TinyUNet)])].</summary>
    public static Arbitrary<TinyUNet> Arbitrary() => Arb.From(
        from levels in Gen.Choose(1, 3)
        from widths in Gen.Choose(1, 3).ListOf(levels)
        from attention in Gen.Elements(true, false).ListOf(levels)
        from layers in Gen.Choose(1, 2)
        from depths in Gen.Choose(0, 2).ListOf(levels)
        from middle in Gen.Elements("UNetMidBlock2DCrossAttn", "UNetMidBlock2D")
        from heads in Gen.Elements(1, 2, 4)
        from linear in Gen.Elements(true, false)
        from channels in Gen.Elements(4, 5, 8, 9)
        from distilled in Gen.Elements(true, false)
        from xl in Gen.Elements(true, false)
        from padding in Gen.Choose(0, 1)
        from onlyCross in Gen.Elements(true, false)
        from divisor in Gen.Elements(1, 1.5)
        from height in Gen.Choose(1, 3)
        from width in Gen.Choose(1, 3)
        from odd in Gen.Choose(0, 1)
        from batch in Gen.Choose(1, 2)
        from tokens in Gen.Choose(1, 5)
        from seed in Gen.Choose(0, 1000)
        select new TinyUNet(
            new UNetConfig
            {
                SampleSize = 8,
                InChannels = channels,
                OutChannels = 4,
                BlockOutChannels = [.. widths.Select(w => w * 8)],
                DownBlockTypes = [.. attention.Select(a => a ? "CrossAttnDownBlock2D" : "DownBlock2D")],
                UpBlockTypes = [.. attention.AsEnumerable().Reverse().Select(a => a ? "CrossAttnUpBlock2D" : "UpBlock2D")],
                MidBlockType = middle,
                LayersPerBlock = layers,
                DownsamplePadding = padding,
                OnlyCrossAttention = onlyCross,
                MidBlockScaleFactor = divisor,
                TransformerLayersPerBlock = [.. depths],
                AttentionHeadDim = [.. Enumerable.Repeat(heads, levels)],
                NormNumGroups = 4,
                CrossAttentionDim = 12,
                UseLinearProjection = linear,
                TimeCondProjDim = distilled ? 6 : null,
                AdditionEmbedType = xl ? "text_time" : null,
                AdditionTimeEmbedDim = xl ? 4 : null,
                ProjectionClassEmbeddingsInputDim = xl ? (6 * 4) + 10 : null,
            },
            (height << (levels - 1)) + odd,
            (width << (levels - 1)) + odd,
            batch,
            tokens,
            seed));
}
