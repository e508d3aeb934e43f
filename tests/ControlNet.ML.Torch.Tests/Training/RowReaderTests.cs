using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;
using ControlNet.ML.Torch.Training.Data;

namespace ControlNet.ML.Torch.Tests.Training;

/// <summary>Which part of an image is kept, tested with images whose pixels encode their positions.</summary>
public sealed class RowReaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(20, 8, 6, 0)]
    [InlineData(8, 12, 0, 2)]
    [InlineData(21, 8, 6, 0)]
    [InlineData(8, 8, 0, 0)]
    public void The_centre_is_kept_of_an_image_with_another_aspect_ratio(int width, int height, int left, int top)
    {
        using var reader = new RowReader(8, 8, flip: false, CropMode.Centre, null);
        foreach (var draws in (SampleDraws?[])[null, new SampleDraws(1, 0, 10)])
        {
            var read = reader.Read(Row(Places(width, height)), draws);
            Assert.Equal(new Cut(width, height, left, top), read.Cut);
            Assert.Equal((width, height), (read.SourceWidth, read.SourceHeight));
            Equal(read.Image, left, top);
            Equal(read.Condition, left, top);
        }
    }

    [Fact]
    public void Random_crops_take_every_position_and_no_other()
    {
        using var reader = new RowReader(8, 8, flip: false, CropMode.Random, null);
        foreach (var (width, height) in ((int, int)[])[(11, 8), (8, 11)])
        {
            var row = Row(Places(width, height));
            var places = new HashSet<int>();
            for (var seed = 0UL; seed < 60; seed++)
            {
                var read = reader.Read(row, new SampleDraws(seed, 0, 10));
                Equal(read.Image, read.Cut.Left, read.Cut.Top);
                places.Add(read.Cut.Left + read.Cut.Top);
            }

            Assert.Equal([0, 1, 2, 3], places.Order());
            Assert.Equal(1, reader.Read(row, null).Cut is { Left: var x, Top: var y } ? x + y : -1);
        }
    }

    [Theory]
    [InlineData(16, 16, 8, 8)]
    [InlineData(40, 20, 16, 8)]
    [InlineData(10, 40, 8, 32)]
    [InlineData(4, 5, 8, 10)]
    public void An_image_is_scaled_until_it_just_covers_the_size(int width, int height, int scaledWidth, int scaledHeight)
    {
        using var reader = new RowReader(8, 8, flip: false, CropMode.Centre, null);
        var read = reader.Read(Row(Places(width, height)), null);
        Assert.Equal((scaledWidth, scaledHeight), (read.Cut.ScaledWidth, read.Cut.ScaledHeight));
        Assert.Equal((8, 8), (read.Image.Width, read.Image.Height));
    }

    [Fact]
    public void A_flipped_image_shows_the_same_part_mirrored_and_has_its_own_key()
    {
        using var reader = new RowReader(8, 8, flip: true, CropMode.Centre, null);
        using var plain = new RowReader(8, 8, flip: false, CropMode.Centre, null);
        var row = Row(Places(14, 8));
        var draws = Enumerable.Range(0, 50).Select(seed => new SampleDraws((ulong)seed, 0, 10)).ToList();
        var (flipped, straight) = (draws.First(draw => draw.Flip), draws.First(draw => !draw.Flip));
        var (mirrored, read) = (reader.Read(row, flipped), reader.Read(row, straight));
        Equal(read.Image, 3, 0);
        for (var x = 0; x < 8; x++)
        {
            Assert.Equal(read.Image.Row(2).Slice(3 * x, 3), mirrored.Image.Row(2).Slice(3 * (7 - x), 3));
            Assert.Equal(read.Condition.Row(2).Slice(3 * x, 3), mirrored.Condition.Row(2).Slice(3 * (7 - x), 3));
        }

        Assert.Equal(read.Key, plain.Read(row, flipped).Key);
        Assert.Equal(read.Key, reader.Read(row, null).Key);
        Assert.NotEqual(read.Key, mirrored.Key);
        using var other = new RowReader(8, 4, flip: false, CropMode.Centre, null);
        Assert.NotEqual(read.Key, other.Read(row, null).Key);
        Assert.Equal(32, read.Key.Length);
    }

    [Fact]
    public void Transparent_parts_are_white()
    {
        var path = _folder.File("clear.png");
        ImageCodec.SavePng(path, new ImageBuffer(8, 8, 4));
        using var reader = new RowReader(8, 8, flip: false, CropMode.Centre, null);
        var read = reader.Read(Row(path), null);
        Assert.Equal(3, read.Image.Channels);
        Assert.All(read.Image.Samples, sample => Assert.Equal(255, sample));
        Assert.All(read.Condition.Samples, sample => Assert.Equal(255, sample));
    }

    [Fact]
    public void Depth_maps_reach_the_preprocessor_with_all_16_bits_cropped_and_flipped_too()
    {
        // The upper byte of the 16 bits is the same everywhere: at 8 bits the image would be uniform.
        var path = _folder.Write("deep.png", PngWriter.Deep(14, [.. Enumerable.Range(0, 14 * 8).Select(i => (ushort)(1024 + (i % 14)))]));
        using var reader = new RowReader(8, 8, flip: true, CropMode.Centre, ConditionCatalog.Find("depth_map").Open());
        var row = new TrainingRow("row", path, null, "");
        var flipped = Enumerable.Range(0, 50).Select(seed => new SampleDraws((ulong)seed, 0, 10)).First(draw => draw.Flip);
        byte[] levels = [0, 36, 72, 109, 145, 182, 218, 255];
        Assert.Equal(levels, reader.Read(row, null).Condition.Row(3).ToArray());
        Assert.Equal(levels.Reverse(), reader.Read(row, flipped).Condition.Row(3).ToArray());
        using var small = new RowReader(7, 4, flip: false, CropMode.Centre, ConditionCatalog.Find("depth_map").Open());
        Assert.True(small.Read(row, null).Condition.Row(1).ToArray().Distinct().Count() == 7, "Scaled, 16 bits became 8.");
    }

    [Fact]
    public void A_row_without_a_condition_or_a_file_is_named()
    {
        using var reader = new RowReader(8, 8, flip: false, CropMode.Centre, null);
        var error = Assert.Throws<ControlNetException>(() => reader.Read(new TrainingRow("line 7", Places(8, 8), null, ""), null));
        Assert.StartsWith("line 7: has no condition", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<ControlNetException>(() => reader.Read(Row(_folder.File("none.png")), null));
        Assert.Contains("none.png: cannot be read", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tables_fingerprint_depends_on_its_rows_not_on_its_folder()
    {
        var one = Table("one", "a.png", "b.png", "p");
        Assert.Equal(one.Fingerprint, Table("other", "a.png", "b.png", "p").Fingerprint);
        Assert.NotEqual(one.Fingerprint, Table("image", "b.png", "b.png", "p").Fingerprint);
        Assert.NotEqual(one.Fingerprint, Table("condition", "a.png", "a.png", "p").Fingerprint);
        Assert.NotEqual(one.Fingerprint, Table("prompt", "a.png", "b.png", "q").Fingerprint);
        Assert.NotEqual(one.Fingerprint, one.Pick([]).Fingerprint);
        Assert.Equal(one.Fingerprint, one.Pick([0]).Fingerprint);
        Assert.Equal(["p"], one.Pick([0]).Rows.Select(row => row.Prompt));
    }

    [Fact]
    public void A_missing_folder_or_one_without_a_table_is_refused()
    {
        File.WriteAllText(_folder.File("file"), "");
        Says(_folder.File("nowhere"), "does not exist");
        Says(_folder.File("file"), "is a file");
        Says(_folder.Path, "has neither metadata.jsonl");
        File.WriteAllText(_folder.File("metadata.jsonl"), "{}\n");
        Says(_folder.Path, "metadata.jsonl line 1: has no 'file_name'; its columns are none");
        File.WriteAllText(_folder.File("metadata.jsonl"), $"{{\"file_name\": \"{new string('a', 1 << 20)}\"}}\n");
        Says(_folder.Path, "metadata.jsonl line 1: has more than 1,048,576 characters, expected at most that many");
        File.WriteAllText(_folder.File("metadata.jsonl"), "{\"file_name\": \"a\\u0000.png\", \"text\": \"\"}\n");
        Says(_folder.Path, "is not a file name");

        static void Says(string folder, string message) =>
            Assert.Contains(message, Assert.Throws<ControlNetException>(() => TrainingTable.Open(folder)).Message, StringComparison.Ordinal);
    }

    private static TrainingRow Row(string path) => new("line 1", path, path, "");

    private TrainingTable Table(string folder, string image, string condition, string prompt)
    {
        Directory.CreateDirectory(_folder.File(folder));
        foreach (var name in (string[])["a.png", "b.png"])
            ImageCodec.SavePng(_folder.File(folder, name), new ImageBuffer(8, 8, 1));
        File.WriteAllText(_folder.File(folder, "metadata.jsonl"), $"{{\"file_name\": \"{image}\", \"conditioning_image\": \"{condition}\", \"text\": \"{prompt}\"}}");
        return TrainingTable.Open(_folder.File(folder));
    }

    /// <summary>An image whose red is the column and whose green is the row.</summary>
    private string Places(int width, int height)
    {
        var image = new ImageBuffer(width, height, 3);
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
                ((ReadOnlySpan<byte>)[(byte)x, (byte)y, 200]).CopyTo(image.Row(y)[(3 * x)..]);
        }

        ImageCodec.SavePng(_folder.File("places.png"), image);
        return _folder.File("places.png");
    }

    private static void Equal(ImageBuffer part, int left, int top)
    {
        Assert.Equal((8, 8), (part.Width, part.Height));
        for (var y = 0; y < 8; y++)
        {
            for (var x = 0; x < 8; x++)
                Assert.Equal([(byte)(left + x), (byte)(top + y), 200], part.Row(y).Slice(3 * x, 3).ToArray());
        }
    }
}
