using System.Buffers.Binary;
using System.Text;
using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Conditions;

/// <summary>Depths from NumPy arrays, 16-bit PNGs and images.</summary>
public sealed class DepthFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Property(MaxTest = 50)]
    public void A_float_array_comes_back_as_it_was_written(float[] values, byte width)
    {
        var columns = 1 + (width % 7);
        var rows = values.Length / columns;
        if (rows == 0)
            return;
        var used = values[..(rows * columns)];
        var map = DepthFile.Read(_folder.Write("d.npy", Array("<f4", $"({rows}, {columns})", Bytes(used))));
        Assert.Equal((columns, rows), (map.Width, map.Height));
        Assert.Equal(used, map.Values);
    }

    [Theory]
    [InlineData("<f2", "00 3c 00 c0")]
    [InlineData(">f2", "3c 00 c0 00")]
    [InlineData("<f8", "00 00 00 00 00 00 f0 3f 00 00 00 00 00 00 00 c0")]
    [InlineData(">f4", "3f 80 00 00 c0 00 00 00")]
    [InlineData("<i2", "01 00 fe ff")]
    [InlineData("|i1", "01 fe")]
    [InlineData(">i4", "00 00 00 01 ff ff ff fe")]
    [InlineData("<i8", "01 00 00 00 00 00 00 00 fe ff ff ff ff ff ff ff")]
    public void Every_type_of_number_is_read(string type, string data)
    {
        var bytes = Convert.FromHexString(data.Replace(" ", "", StringComparison.Ordinal));
        Assert.Equal([1f, -2f], DepthFile.Read(_folder.Write("d.npy", Array(type, "(1, 2)", bytes))).Values);
    }

    [Fact]
    public void Sizes_of_one_are_dropped_and_columns_first_is_turned()
    {
        var flat = Array("|u1", "(1, 2, 3, 1)", [1, 2, 3, 4, 5, 6]);
        Assert.Equal("3x2", DepthFile.Read(_folder.Write("a.npy", flat)).ToString());
        Assert.Equal("1x3", DepthFile.Read(_folder.Write("c.npy", Array("|u1", "(3, 1)", [1, 2, 3]))).ToString());
        Assert.Equal("3x1", DepthFile.Read(_folder.Write("r.npy", Array("|u1", "(3,)", [1, 2, 3]))).ToString());
        var turned = DepthFile.Read(_folder.Write("f.npy", Array("|u1", "(2, 3)", [1, 4, 2, 5, 3, 6], fortran: true)));
        Assert.Equal([1f, 2f, 3f, 4f, 5f, 6f], turned.Values);
    }

    [Theory]
    [InlineData("|O", "(1, 2)", 16, "expected numbers")]
    [InlineData("<c8", "(1, 2)", 16, "expected numbers")]
    [InlineData("<f4", "(2, 2)", 12, "bytes of data, expected 16")]
    [InlineData("<f4", "(60000, 60000)", 16, "claims 60000x60000")]
    [InlineData("<f4", "(99999999999999999999, 2)", 16, "claims")]
    [InlineData("<f4", "(0, 2)", 0, "claims 2x0")]
    [InlineData("<f4", "(2, 2, 2)", 32, "expected two dimensions")]
    [InlineData("<f4", "(-2, 2)", 16, "no shape")]
    public void Anything_else_is_refused(string type, string shape, int bytes, string because)
    {
        var file = _folder.Write("d.npy", Array(type, shape, new byte[bytes]));
        Assert.Contains(because, Assert.Throws<ControlNetException>(() => DepthFile.Read(file)).Message);
    }

    [Property(MaxTest = 100)]
    public void A_damaged_array_is_read_or_refused_and_nothing_else(ushort at, byte value, bool cut)
    {
        var file = Array("<f4", "(3, 2)", new byte[24]);
        if (cut)
            file = file[..(at % file.Length)];
        else
            file[at % file.Length] = value;
        try
        {
            DepthFile.Read(_folder.Write("d.npy", file));
        }
        catch (ControlNetException)
        {
        }
    }

    [Fact]
    public void All_sixteen_bits_of_a_grey_PNG_are_read_and_no_longer_than_its_size()
    {
        byte[] first = [0x00, 0x01, 0xff, 0xff], second = [0x12, 0x34, 0x00, 0xff];
        var map = DepthFile.Read(_folder.Write("d.png", PngWriter.File(2, 2, 16, 0, first, second)));
        Assert.Equal([1f, 65535f, 0x1234, 255f], map.Values);

        var whole = PngWriter.File(2, 2, 16, 0, first, second);
        Assert.Contains("cut off", Assert.Throws<ControlNetException>(() => DepthFile.Read(_folder.Write("cut.png", whole[..^20]))).Message);
        whole[^20] ^= 1;
        Assert.Contains("damaged", Assert.Throws<ControlNetException>(() => DepthFile.Read(_folder.Write("bad.png", whole))).Message);
        var claims = PngWriter.File(60_000, 60_000, 16, 0, first);
        Assert.Contains("60000x60000", Assert.Throws<ControlNetException>(() => DepthFile.Read(_folder.Write("claims.png", claims))).Message);
    }

    [Fact]
    public void An_image_counts_by_its_grey_levels()
    {
        ImageCodec.SavePng(_folder.File("grey.png"), new ImageBuffer(2, 1, 1, [7, 200]));
        Assert.Equal([7f, 200f], DepthFile.Read(_folder.File("grey.png")).Values);
        Assert.Contains("no such file", Assert.Throws<ControlNetException>(() => DepthFile.Read(_folder.File("none.npy"))).Message);
        Assert.Contains("is not an image", Assert.Throws<ControlNetException>(() => DepthFile.Read(_folder.Write("x.npy", "hello"u8.ToArray()))).Message);
    }

    [Fact]
    public void Unknown_depths_are_refused_or_left_out()
    {
        var depths = new FloatMap(4, 1, [0, 2, 6, float.NaN]);
        Assert.Contains("column 3, row 0", Assert.Throws<ControlNetException>(() => Depth.Apply(depths)).Message);
        Assert.Equal([0, 0, 255, 0], Depth.Apply(depths, new DepthOptions { SkipUnknown = true }).Samples);
        Assert.Equal([0, 255, 0, 0], Depth.Apply(depths, new DepthOptions { SkipUnknown = true, Invert = true }).Samples);
        Assert.Equal([0, 0], Depth.Apply(new FloatMap(2, 1), new DepthOptions { SkipUnknown = true }).Samples);
    }

    private static byte[] Array(string type, string shape, byte[] data, bool fortran = false)
    {
        var header = $"{{'descr': '{type}', 'fortran_order': {(fortran ? "True" : "False")}, 'shape': {shape}, }}".PadRight(117) + "\n";
        var length = new byte[2];
        BinaryPrimitives.WriteUInt16LittleEndian(length, (ushort)header.Length);
        return [0x93, .. "NUMPY"u8, 1, 0, .. length, .. Encoding.ASCII.GetBytes(header), .. data];
    }

    private static byte[] Bytes(float[] values) => [.. values.SelectMany(BitConverter.GetBytes)];
}
