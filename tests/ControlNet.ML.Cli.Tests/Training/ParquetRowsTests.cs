using ControlNet.ML.Cli.Training;
using ControlNet.ML.Imaging;
using ControlNet.ML.Torch.Training.Data;
using Parquet;
using Parquet.Schema;

namespace ControlNet.ML.Cli.Tests.Training;

/// <summary>Training data in Parquet files, as on the hub.</summary>
public sealed class ParquetRowsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Data => _folder.File("set");

    public ParquetRowsTests() => Directory.CreateDirectory(_folder.File("set", "data"));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Images_inside_a_file_are_written_once_as_they_are()
    {
        var (one, other) = (Png(1), Png(2));
        await WriteAsync("data/train-00000-of-00001.parquet", [("image", one, "a.png"), ("image", other, null), ("image", one, "c.PNG")], ["x", null, "z"], conditions: [other, other, one]);

        var table = Open();

        Assert.Equal(["x", "", "z"], table.Rows.Select(row => row.Prompt));
        Assert.Equal("data/train-00000-of-00001.parquet row 2", table.Rows[2].Where);
        Assert.Equal([one, other, one], table.Rows.Select(row => File.ReadAllBytes(row.Image)));
        Assert.Equal([other, other, one], table.Rows.Select(row => File.ReadAllBytes(row.Condition!)));
        Assert.Equal(table.Rows[0].Image, table.Rows[2].Image);
        Assert.StartsWith(_folder.File("run", "data", "images"), table.Rows[1].Image, StringComparison.Ordinal);
        var written = File.GetLastWriteTimeUtc(table.Rows[0].Image);
        Assert.Equal(table.Fingerprint, Open().Fingerprint);
        Assert.Equal(written, File.GetLastWriteTimeUtc(table.Rows[0].Image));
    }

    [Fact]
    public async Task A_missing_image_does_not_move_the_next_one_to_its_row()
    {
        File.WriteAllBytes(_folder.File("set", "data", "b.png"), Png(3));
        await WriteAsync("data/train.parquet", [("image", Png(1), "a.png"), ("image", null, "b.png"), ("image", Png(2), null)], ["a", "b", "c"]);
        Assert.Equal([Png(1), Png(3), Png(2)], Open().Rows.Select(row => File.ReadAllBytes(row.Image)));

        await WriteAsync("data/train.parquet", [("image", Png(1), "a.png"), (null, null, null), ("image", Png(2), null)], ["a", "b", "c"]);
        Says("data/train.parquet row 1: the column 'image' has no image");
        await WriteAsync("data/train.parquet", [("image", null, "gone.png")], ["a"]);
        Says("1 images are missing: data/train.parquet row 0");
    }

    [Theory]
    [InlineData("file_name", "conditioning_image", "text", null, null, null)]
    [InlineData("image_file_name", "conditioning_image_file_name", "text", null, null, null)]
    [InlineData("picture", "edges", "caption", "picture", "edges", "caption")]
    [InlineData("picture_file_name", "edges_file_name", "caption", "picture", "edges", "caption")]
    public async Task File_names_are_relative_to_the_parquet_file(string image, string condition, string text, string? imageColumn, string? conditionColumn, string? promptColumn)
    {
        File.WriteAllBytes(_folder.File("set", "a.png"), Png(1));
        await WriteTextAsync("metadata.parquet", [image, condition, text], ["a.png", "a.png", "p"]);
        var row = Assert.Single(Open(imageColumn is null ? null : new() { Image = imageColumn, Condition = conditionColumn!, Prompt = promptColumn! }).Rows);
        Assert.Equal((_folder.File("set", "a.png"), _folder.File("set", "a.png"), "p"), (row.Image, row.Condition, row.Prompt));
        Assert.False(Directory.Exists(_folder.File("run")));
    }

    [Fact]
    public async Task Only_the_training_split_is_read()
    {
        File.WriteAllBytes(_folder.File("set", "data", "a.png"), Png(1));
        foreach (var name in (string[])["train-00001", "train-00000", "test-00000", "validation-00000"])
            await WriteTextAsync($"data/{name}.parquet", ["file_name", "text"], ["a.png", name]);
        Assert.Equal(["train-00000", "train-00001"], Open().Rows.Select(row => row.Prompt));
        File.Delete(_folder.File("set", "data", "train-00000.parquet"));
        File.Move(_folder.File("set", "data", "train-00001.parquet"), _folder.File("set", "data", "trainer.parquet"));
        Assert.Equal(["train-00001"], Open().Rows.Select(row => row.Prompt));
    }

    [Fact]
    public async Task What_is_wrong_is_named()
    {
        await WriteTextAsync("t.parquet", ["file_name", "caption"], ["a.png", "x"]);
        Says("t.parquet: has no 'text'; its columns are 'file_name', 'caption'");
        await WriteTextAsync("t.parquet", ["photo", "text"], ["a.png", "x"]);
        Says("t.parquet: has no 'file_name'; its columns are 'photo', 'text'");
        await WriteTextAsync("t.parquet", ["file_name", "text"], ["a.png", "x"]);
        Says("1 images are missing: t.parquet row 0");
        File.WriteAllText(_folder.File("set", "t.parquet"), "PAR1");
        Says("cannot be read as Parquet");
        Assert.Contains("--encoding is for text files only", Assert.Throws<UsageException>(() => TrainingData.Open(Data, null, "utf-16", _folder.File("run"), (_, _, _) => { }, default)).Message, StringComparison.Ordinal);
        Directory.CreateDirectory(_folder.File("run"));
        _folder.Write("run/other.txt", []);
        Says("is not empty and has no run.json");
    }

    [Fact]
    public async Task Damaged_files_are_read_or_refused_by_their_name()
    {
        await WriteAsync("train.parquet", [("image", Png(1), "a.png"), ("image", Png(2), "b.png"), ("image", Png(3), null)], ["a", "b", "c"]);
        var path = _folder.File("set", "train.parquet");
        var sound = File.ReadAllBytes(path);
        var random = new Random(7);
        for (var i = 0; i < 400; i++)
        {
            var damaged = (byte[])sound.Clone();
            var footer = BitConverter.ToInt32(sound, sound.Length - 8) + 8;
            damaged[i % 2 == 0 ? random.Next(sound.Length) : sound.Length - 1 - random.Next(footer)] = (byte)random.Next(256);
            File.WriteAllBytes(path, i % 10 == 9 ? damaged[..random.Next(damaged.Length)] : damaged);
            var error = Record.Exception(() => Open());
            Assert.True(error is null || (error is ControlNetException && (error.Message.Contains("train.parquet", StringComparison.Ordinal) || error.Message.EndsWith("set: has no rows.", StringComparison.Ordinal))), $"{i}: {error}");
        }
    }

    private TrainingTable Open(TrainingColumns? columns = null) => TrainingData.Open(Data, columns, null, _folder.File("run"), (_, _, _) => { }, default);

    private void Says(string message) =>
        Assert.Contains(message, Assert.Throws<ControlNetException>(() => Open()).Message, StringComparison.Ordinal);

    private static byte[] Png(int seed)
    {
        var image = new ImageBuffer(8, 8, 3);
        new Random(seed).NextBytes(image.Samples);
        return ImageCodec.EncodePng(image);
    }

    private Task WriteAsync(string name, (string? Structure, byte[]? Bytes, string? Path)[] images, string?[] texts, byte[][]? conditions = null) =>
        ParquetData.WriteAsync(_folder.File("set", name), images, texts, conditions);

    private async Task WriteTextAsync(string name, string[] columns, string[] values)
    {
        DataField[] fields = [.. columns.Select(column => new DataField(column, typeof(string), isNullable: true))];
        await using var stream = File.Create(_folder.File("set", name));
        await using var writer = await ParquetWriter.CreateAsync(new ParquetSchema(fields), stream);
        using var group = writer.CreateRowGroup();
        foreach (var (field, value) in fields.Zip(values))
            await group.WriteAsync(field, new[] { value });
    }
}

/// <summary>Writes data sets as Hugging Face's: images are structures of bytes and path.</summary>
internal static class ParquetData
{
    /// <summary>Writes rows; an image without a structure is null as a whole.</summary>
    public static async Task WriteAsync(string file, (string? Structure, byte[]? Bytes, string? Path)[] images, string?[] texts, byte[][]? conditions = null)
    {
        var (image, condition) = (Image("image"), Image("conditioning_image"));
        var text = new DataField("text", typeof(string), isNullable: true);
        await using var stream = File.Create(file);
        await using var writer = await ParquetWriter.CreateAsync(conditions is null ? new ParquetSchema(image, text) : new ParquetSchema(image, condition, text), stream);
        using var group = writer.CreateRowGroup();
        await WriteAsync(group, image, images);
        if (conditions is not null)
            await WriteAsync(group, condition, [.. conditions.Select(bytes => ((string?)"x", (byte[]?)bytes, (string?)null))]);
        await group.WriteAsync(text, texts!);
    }

    private static StructField Image(string name) =>
        new(name, new DataField("bytes", typeof(byte[]), isNullable: true), new DataField("path", typeof(string), isNullable: true));

    private static async Task WriteAsync(ParquetRowGroupWriter group, StructField field, (string? Structure, byte[]? Bytes, string? Path)[] images)
    {
        int[] Levels(Func<int, bool> isThere) => [.. images.Select((image, i) => image.Structure is null ? 0 : isThere(i) ? 2 : 1)];
        await group.WriteAllPartsAsync<ReadOnlyMemory<byte>>(
            (DataField)field.Fields[0], images.Where(image => image.Bytes is not null).Select(image => (ReadOnlyMemory<byte>)image.Bytes).ToArray(), Levels(i => images[i].Bytes is not null).AsMemory(), null, default);
        await group.WriteAllPartsAsync<ReadOnlyMemory<char>>(
            (DataField)field.Fields[1], images.Where(image => image.Path is not null).Select(image => image.Path.AsMemory()).ToArray(), Levels(i => images[i].Path is not null).AsMemory(), null, default);
    }
}
