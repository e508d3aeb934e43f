using ControlNet.ML.Imaging;
using ControlNet.ML.Torch.Training;
using ControlNet.ML.Torch.Training.Data;
using FsCheck;
using FsCheck.Xunit;

namespace ControlNet.ML.Torch.Tests.Training;

/// <summary>Rows: files, order and random draws.</summary>
public sealed class TrainingDataTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Property]
    public void Every_row_comes_once_per_epoch_wherever_a_run_resumes(byte count, byte start, ulong seed)
    {
        var rows = count + 1;
        var order = new EpochOrder(rows, seed);
        Assert.Equal(Enumerable.Range(0, rows), Enumerable.Range(0, rows).Select(i => order[i]).Order());
        Assert.Equal(Enumerable.Range(0, rows), Enumerable.Range(rows, rows).Select(i => order[i]).Order());

        // A run resumed within any epoch sees the remaining rows.
        var resumed = new EpochOrder(rows, seed);
        Assert.Equal(order[start], resumed[start]);
    }

    [Fact]
    public void Each_epoch_and_each_seed_has_its_own_order()
    {
        var (one, other) = (new EpochOrder(50, 1), new EpochOrder(50, 2));
        var first = Enumerable.Range(0, 50).Select(i => one[i]).ToArray();
        Assert.NotEqual(first, Enumerable.Range(50, 50).Select(i => one[i]));
        Assert.NotEqual(first, Enumerable.Range(0, 50).Select(i => other[i]));
        Assert.NotEqual(Enumerable.Range(0, 50), first);
    }

    [Property(MaxTest = 20)]
    public void Prompts_are_dropped_at_their_rate_and_timesteps_are_uniform(byte percent, ushort seed)
    {
        const int samples = 4000;
        var rate = percent % 101 / 100.0;
        var draws = Enumerable.Range(0, samples).Select(i => new SampleDraws(Seeds.Mix(seed, Seeds.Sample, i), rate, 1000)).ToList();
        var deviation = Math.Sqrt(rate * (1 - rate) / samples);
        Assert.InRange(draws.Count(draw => draw.DropsPrompt) / (double)samples, rate - (5 * deviation), rate + (5 * deviation));
        Assert.InRange(draws.Average(draw => draw.Timestep), 499.5 - 25, 499.5 + 25);
        Assert.All(draws, draw => Assert.InRange(draw.Timestep, 0, 999));
    }

    [Fact]
    public void Both_layouts_and_other_names_are_read()
    {
        Image("a.png");
        Image("b.png");
        File.WriteAllText(_folder.File("prompt.json"), """
            {"source": "a.png", "target": "b.png", "prompt": "p"}

            """);
        var row = Assert.Single(TrainingTable.Open(_folder.Path).Rows);
        Assert.Equal((_folder.File("b.png"), _folder.File("a.png"), "p"), (row.Image, row.Condition, row.Prompt));

        File.WriteAllText(_folder.File("metadata.jsonl"), """{"picture": "a.png", "caption": "c"}""");
        row = Assert.Single(TrainingTable.Open(_folder.Path, new() { Image = "picture", Prompt = "caption" }).Rows);
        Assert.Equal((_folder.File("a.png"), null, "c", "metadata.jsonl line 1"), (row.Image, row.Condition, row.Prompt, row.Where));
    }

    [Theory]
    [InlineData("file_name,conditioning_image,text\na.png,b.png,\"one, two\"\n")]
    [InlineData("text;conditioning_image_file_name;image_file_name\r\n\"one, two\";b.png;a.png\r\n")]
    [InlineData("text\timage\tconditioning_image\textra\none, two\ta.png\tb.png\t\n")]
    public void A_metadata_csv_is_read_with_the_names_that_hugging_face_uses(string text)
    {
        Image("a.png");
        Image("b.png");
        File.WriteAllText(_folder.File("metadata.csv"), text);
        var row = Assert.Single(TrainingTable.Open(_folder.Path).Rows);
        Assert.Equal((_folder.File("a.png"), _folder.File("b.png"), "one, two", "metadata.csv row 0"), (row.Image, row.Condition, row.Prompt, row.Where));
    }

    [Fact]
    public void The_metadata_of_a_train_folder_is_relative_to_it_and_other_columns_can_be_named()
    {
        Directory.CreateDirectory(_folder.File("train"));
        Image("train/a.png");
        File.WriteAllText(_folder.File("train", "metadata.csv"), "picture,caption\na.png,c\na.png,\n", System.Text.Encoding.Unicode);
        var table = TrainingTable.Open(_folder.Path, new() { Image = "picture", Prompt = "caption" }, "utf-16");
        Assert.Equal([(_folder.File("train", "a.png"), null, "c"), (_folder.File("train", "a.png"), null, "")], table.Rows.Select(row => (row.Image, row.Condition, row.Prompt)));
    }

    [Theory]
    [InlineData("file_name,text\na.png,x,y\n", "metadata.csv row 0: it has 3 fields, expected 2 as in the first line")]
    [InlineData("file_name,text\na.png,x\n,y\n", "metadata.csv row 1: 'file_name' is empty, expected the name of an image file")]
    [InlineData("name,text\na.png,x\n", "metadata.csv row 0: has no 'file_name'; its columns are 'name', 'text'")]
    [InlineData("file_name,file_name,text\na.png,a.png,x\n", "metadata.csv: the column 'file_name' occurs 2 times")]
    [InlineData("file_name,text\na.png,\"x\n", "metadata.csv: row 0 cannot be read: the quote that opens field 2 is never closed")]
    [InlineData("file_name,text\nz.png,x\n", "1 images are missing: metadata.csv row 0: 'z.png'")]
    [InlineData("file_name,text\n", "has no rows")]
    [InlineData("", "metadata.csv is empty")]
    public void What_is_wrong_with_a_metadata_csv_is_named(string text, string message)
    {
        Image("a.png");
        File.WriteAllText(_folder.File("metadata.csv"), text);
        Assert.Contains(message, Assert.Throws<ControlNetException>(() => TrainingTable.Open(_folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_with_parquet_only_is_told_what_reads_it()
    {
        _folder.Write("x.parquet", []);
        Assert.Contains("the controlnet tool also reads Parquet files", Assert.Throws<ControlNetException>(() => TrainingTable.Open(_folder.Path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"file_name\": \"a.png\", \"text\": \"x\"}\nnothing", "metadata.jsonl line 2: is not valid JSON")]
    [InlineData("{\"file_name\": \"a.png\"}", "metadata.jsonl line 1: has no 'text'; its columns are 'file_name'")]
    [InlineData("{\"file_name\": 3, \"text\": \"x\"}", "metadata.jsonl line 1: 'file_name' is 3, expected a string")]
    [InlineData("{\"file_name\": \"\", \"text\": \"x\"}", "metadata.jsonl line 1: 'file_name' is empty")]
    [InlineData("{\"file_name\": \"z.png\", \"text\": \"x\"}\n{\"file_name\": \"y.png\", \"text\": \"x\"}", "2 images are missing: metadata.jsonl line 1: 'z.png'; metadata.jsonl line 2: 'y.png'")]
    [InlineData("\n", "has no rows")]
    public void Invalid_lines_are_named(string text, string message)
    {
        Image("a.png");
        File.WriteAllText(_folder.File("metadata.jsonl"), text);
        Assert.Contains(message, Assert.Throws<ControlNetException>(() => TrainingTable.Open(_folder.Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_condition_of_another_size_and_an_invalid_image_are_named()
    {
        Image("a.png");
        Image("b.png", 8);
        File.WriteAllText(_folder.File("c.png"), "no image");
        using var reader = new RowReader(16, 16, false, CropMode.Centre, null);
        var error = Assert.Throws<ControlNetException>(() => reader.Read(new TrainingRow("line 1", _folder.File("a.png"), _folder.File("b.png"), ""), null));
        Assert.Contains("line 1: the image is 16x12 and its condition 8x6, expected the same size", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<ControlNetException>(() => reader.Read(new TrainingRow("line 2", _folder.File("c.png"), _folder.File("b.png"), ""), null));
        Assert.StartsWith("line 2: ", error.Message, StringComparison.Ordinal);
    }

    [Property(MaxTest = 50)]
    public void Image_and_condition_are_cropped_and_flipped_alike(byte width, byte height, ushort seed)
    {
        // The condition is the image itself, so the two results must be equal.
        var (across, down) = (8 + (width % 40), 8 + (height % 40));
        var image = new ImageBuffer(across, down, 3);
        new Random(seed).NextBytes(image.Samples);
        ImageCodec.SavePng(_folder.File("p.png"), image);
        using var reader = new RowReader(16, 8, flip: true, CropMode.Random, null);
        var read = reader.Read(new TrainingRow("line", _folder.File("p.png"), _folder.File("p.png"), ""), new SampleDraws(seed, 0, 10));
        Assert.Equal((16, 8), (read.Image.Width, read.Image.Height));
        Assert.Equal(read.Image.Samples, read.Condition.Samples);
    }

    [Fact]
    public void Half_of_the_rows_are_flipped()
    {
        var image = new ImageBuffer(16, 8, 1, [.. Enumerable.Range(0, 128).Select(i => (byte)i)]);
        ImageCodec.SavePng(_folder.File("p.png"), image);
        using var reader = new RowReader(16, 8, flip: true, CropMode.Centre, null);
        var row = new TrainingRow("line", _folder.File("p.png"), _folder.File("p.png"), "");
        var firsts = Enumerable.Range(0, 200).Select(i => (int)reader.Read(row, new SampleDraws((ulong)i, 0, 10)).Image.Samples[0]).ToList();
        Assert.InRange(firsts.Count(first => first == 15), 60, 140);
        Assert.Equal(200, firsts.Count(first => first is 0 or 15));
    }

    private void Image(string name, int width = 16)
    {
        var image = new ImageBuffer(width, width * 3 / 4, 3);
        new Random(width).NextBytes(image.Samples);
        ImageCodec.SavePng(_folder.File(name), image);
    }
}
