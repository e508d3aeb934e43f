using System.Runtime.InteropServices;
using System.Security.Cryptography;
using ControlNet.ML.Imaging;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Imaging;

/// <summary>Resizing of float maps is OpenCV's to the last bit: what truncates to grey levels afterwards makes a level of that bit.</summary>
public sealed class FloatResizeTests
{
    [Theory]
    [InlineData(Interpolation.Cubic, 64, 32, 1, 96, 48, "88639C9E019FCE0C")]
    [InlineData(Interpolation.Lanczos4, 64, 32, 1, 96, 48, "0ADE3CBBF8E129C4")]
    [InlineData(Interpolation.Linear, 64, 32, 1, 96, 48, "454114D77EEBA507")]
    [InlineData(Interpolation.Cubic, 64, 32, 1, 48, 24, "9CA456A466678355")]
    [InlineData(Interpolation.Lanczos4, 64, 32, 1, 48, 24, "7198D362FB8AD264")]
    [InlineData(Interpolation.Linear, 64, 32, 1, 48, 24, "02D462146479ACCD")]
    [InlineData(Interpolation.Area, 64, 32, 1, 48, 24, "F06E8AD96B68DF00")]
    [InlineData(Interpolation.Cubic, 61, 47, 1, 83, 53, "5B5B67D2DEBB726E")]
    [InlineData(Interpolation.Lanczos4, 61, 47, 1, 83, 53, "8404155DDAAEDC9E")]
    [InlineData(Interpolation.Linear, 61, 47, 1, 83, 53, "6CBE116A72592891")]
    [InlineData(Interpolation.Cubic, 37, 29, 3, 51, 40, "D1A680D7EAAB8D55")]
    [InlineData(Interpolation.Lanczos4, 37, 29, 3, 51, 40, "A6C3052722681CC7")]
    [InlineData(Interpolation.Linear, 37, 29, 3, 51, 40, "F47470F48CF60714")]
    [InlineData(Interpolation.Cubic, 40, 40, 1, 30, 30, "318C8152D3E01A15")]
    [InlineData(Interpolation.Lanczos4, 40, 40, 1, 30, 30, "3C86323DA09AAC2F")]
    [InlineData(Interpolation.Linear, 40, 40, 1, 30, 30, "94A682504B39812E")]
    [InlineData(Interpolation.Area, 40, 40, 1, 30, 30, "DE36EED85C7C7EE1")]
    public void Every_bit_is_opencvs(Interpolation interpolation, int sourceWidth, int sourceHeight, int channels, int width, int height, string hash)
    {
        var samples = new float[sourceWidth * sourceHeight * channels];
        for (var i = 0u; i < samples.Length; i++)
            samples[i] = ((i * 2654435761u) >> 8) * 1.5199184e-05f;
        var resized = Run(interpolation, samples, sourceWidth, sourceHeight, channels, width, height);
        Assert.Equal(hash, Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes<float>(resized)))[..16]);
    }

    [Theory]
    [InlineData(Interpolation.Cubic, 37, 512, 256, 384, 192, 44136, 1768)]
    [InlineData(Interpolation.Cubic, 37, 256, 256, 128, 192, 8192, 1024)]
    [InlineData(Interpolation.Cubic, 64, 512, 256, 384, 192, 20736, 0)]
    [InlineData(Interpolation.Cubic, 64, 256, 256, 128, 192, 0, 0)]
    [InlineData(Interpolation.Cubic, 128, 512, 256, 384, 192, 20736, 0)]
    [InlineData(Interpolation.Cubic, 128, 256, 256, 128, 192, 0, 0)]
    [InlineData(Interpolation.Cubic, 192, 512, 256, 384, 192, 27928, 3028)]
    [InlineData(Interpolation.Cubic, 192, 256, 256, 128, 192, 6400, 1152)]
    [InlineData(Interpolation.Cubic, 255, 512, 256, 384, 192, 10240, 28800)]
    [InlineData(Interpolation.Cubic, 255, 256, 256, 128, 192, 0, 8192)]
    [InlineData(Interpolation.Lanczos4, 37, 512, 256, 384, 192, 10972, 24060)]
    [InlineData(Interpolation.Lanczos4, 37, 256, 256, 128, 192, 2688, 6272)]
    [InlineData(Interpolation.Lanczos4, 64, 512, 256, 384, 192, 27028, 37528)]
    [InlineData(Interpolation.Lanczos4, 64, 256, 256, 128, 192, 0, 16896)]
    [InlineData(Interpolation.Lanczos4, 128, 512, 256, 384, 192, 27028, 37528)]
    [InlineData(Interpolation.Lanczos4, 128, 256, 256, 128, 192, 0, 16896)]
    [InlineData(Interpolation.Lanczos4, 192, 512, 256, 384, 192, 17320, 28646)]
    [InlineData(Interpolation.Lanczos4, 192, 256, 256, 128, 192, 3584, 8192)]
    [InlineData(Interpolation.Lanczos4, 255, 512, 256, 384, 192, 54306, 13895)]
    [InlineData(Interpolation.Lanczos4, 255, 256, 256, 128, 192, 22272, 1280)]
    public void Flat_values_go_astray_just_where_opencvs_do(
        Interpolation interpolation, float value, int sourceWidth, int sourceHeight, int width, int height, int lower, int higher)
    {
        var samples = new float[sourceWidth * sourceHeight];
        Array.Fill(samples, value);
        var resized = Run(interpolation, samples, sourceWidth, sourceHeight, 1, width, height);
        Assert.Equal((lower, higher), (resized.Count(found => found < value), resized.Count(found => found > value)));
    }

    [Property]
    public void A_window_is_a_part_of_the_whole_to_the_last_bit(byte across, byte down, byte x, byte y, bool cubic)
    {
        const int Width = 23, Height = 17;
        var (width, height) = (1 + (across % 40), 1 + (down % 40));
        var window = new Window(x % width, y % height, width - (x % width), height - (y % height));
        var samples = Enumerable.Range(0, Width * Height).Select(i => MathF.Sin(i) * 100).ToArray();
        var whole = Resized(null);
        var part = Resized(window);
        for (var i = 0; i < part.Length; i++)
            Assert.Equal(whole[((window.Y + (i / window.Width)) * width) + window.X + (i % window.Width)], part[i]);

        float[] Resized(Window? of) => cubic
            ? KernelResize.Cubic<float>(samples, Width, Height, 1, width, height, of)
            : KernelResize.Lanczos4<float>(samples, Width, Height, 1, width, height, of);
    }

    [Property]
    public void A_flat_map_stays_flat_to_the_last_bit_where_all_weights_are_eighths(byte level, int across, int down, byte kind)
    {
        // Factors of 1/4 to 4 put every target in the middle between sources, or an eighth or a quarter of the way.
        const int Width = 32, Height = 16;
        var samples = new float[Width * Height];
        Array.Fill(samples, level);
        var (width, height) = (Width / 4 << (int)((uint)across % 5), Height / 4 << (int)((uint)down % 5));
        var interpolation = (Interpolation[])[Interpolation.Linear, Interpolation.Cubic];
        Assert.All(Run(interpolation[kind % 2], samples, Width, Height, 1, width, height), value => Assert.Equal(level, value));
    }

    private static float[] Run(Interpolation interpolation, float[] samples, int sourceWidth, int sourceHeight, int channels, int width, int height) => interpolation switch
    {
        Interpolation.Cubic => KernelResize.Cubic<float>(samples, sourceWidth, sourceHeight, channels, width, height),
        Interpolation.Lanczos4 => KernelResize.Lanczos4<float>(samples, sourceWidth, sourceHeight, channels, width, height),
        Interpolation.Linear => FloatResize.Linear(samples, sourceWidth, sourceHeight, channels, width, height),
        _ => FloatResize.Area(samples, sourceWidth, sourceHeight, channels, width, height),
    };
}
