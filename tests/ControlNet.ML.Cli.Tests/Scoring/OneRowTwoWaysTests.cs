using System.Globalization;
using ControlNet.ML.Components;
using ControlNet.ML.Imaging;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace ControlNet.ML.Cli.Tests.Scoring;

/// <summary>A row means the same in a table that is scored and in ML.NET: the same image, or the same reason.</summary>
public sealed class OneRowTwoWaysTests
{
    private static readonly Settings[] Rows =
    [
        new() { Prompt = "a", Seed = -1, Steps = 1 },
        new() { Prompt = "b", Steps = 60 },
        new() { Prompt = "c", Seed = 3, Scale = 0, Guidance = 4 },
        new() { Prompt = "d", Seed = 4, Start = 0.25, End = 0.75, Mode = "guess", Steps = 4 },
        new() { Prompt = "e", Seed = 0.5 },
        new() { Prompt = "f", Steps = 0 },
        new() { Prompt = "g", Width = 20 },
        new() { Prompt = "h", Height = 16, Seed = 9, Scale = 0 },
        new() { Prompt = "i", Start = 1.5 },
        new() { Prompt = "j", Mode = "guessed" },
        new() { Prompt = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen" },
        new() { Prompt = "k", Seed = 5, Steps = 1 },
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(12)]
    public async Task Images_and_reasons_are_equal(int batch)
    {
        using var folder = new ScoreFolder(Table());

        // Of the image's size: one of another is brought there by --fit here, and stretched there.
        ImageCodec.SavePng(folder.File_("condition.png"), new ImageBuffer(16, 8, 1, [.. Enumerable.Range(0, 128).Select(i => (byte)(i * 37))]));
        var answer = await folder.RunAsync(settings => settings with { Batch = batch, Options = settings.Options with { Scheduler = "lcm", Steps = 2 }, Controls = ["emoji/canny"] });
        Assert.Equal(App.SomeFailed, answer.Code);
        var results = ScoreFolder.Results(Path.Combine(folder.Out, "results.csv"));
        var (file, error) = (Array.IndexOf(results[0], "file"), Array.IndexOf(results[0], "error"));

        var made = ByMlNet(folder, batch);

        Assert.Equal(Rows.Length, made.Count);
        for (var i = 0; i < Rows.Length; i++)
        {
            // Texts are quoted in messages, numbers are not; seeds of a text may be larger.
            var reason = results[i + 1][error].Replace("it is '0.5', expected a whole number from -9223372036854775808 to 18446744073709551615", "it is 0.5, expected a whole number of at most 2^53", StringComparison.Ordinal);
            Assert.Equal(made[i].Error, reason.Replace("it is '0'", "it is 0", StringComparison.Ordinal));
            if (made[i].Image is { } image)
                Assert.Equal(ImageCodec.Load(Path.Combine(folder.Out, results[i + 1][file])).Samples, image.Samples);
        }

        Assert.Equal(5, made.Count(row => row.Image is not null));
        Assert.Contains("60", made[1].Error, StringComparison.Ordinal);
    }

    private static List<(ImageBuffer? Image, string Error)> ByMlNet(ScoreFolder folder, int batch)
    {
        using var model = DiffusionModel.Load("emoji", folder.Settings.Load);
        using var canny = ControlNetwork.Load("emoji/canny", folder.Settings.Load);
        var ml = new MLContext();
        var data = ml.Data.LoadFromEnumerable(Rows);
        var control = new ControlColumn("condition", canny) { ScaleColumn = "scale", StartColumn = "start", EndColumn = "end", WeightingColumn = "mode" };
        var view = ml.Transforms.LoadImages("condition", folder.File_(), "file").Append(ml.Transforms.ControlNet().Generate("made", "prompt", model, [control], new()
        {
            BatchSize = batch,
            Scheduler = "lcm",
            SeedColumn = "seed",
            StepsColumn = "steps",
            GuidanceColumn = "guidance",
            WidthColumn = "width",
            HeightColumn = "height",
        })).Fit(data).Transform(data);
        return [.. view.GetColumn<MLImage>("made").Zip(view.GetColumn<string>("Error"), (image, error) => (image is null ? null : Color.Rgb(image.ToImageBuffer()), error))];
    }

    private static string Table() => string.Concat(
        "prompt,seed,steps,guidance,width,height,scale,start,end,mode,condition\n",
        string.Concat(Rows.Select(row => string.Create(
            CultureInfo.InvariantCulture, $"{row.Prompt},{row.Seed},{row.Steps},{row.Guidance},{row.Width},{row.Height},{row.Scale},{row.Start},{row.End},{row.Mode},{row.File}\n"))));

    private sealed class Settings
    {
        [ColumnName("prompt")]
        public string Prompt { get; set; } = "";

        [ColumnName("seed")]
        public double Seed { get; set; } = 1;

        [ColumnName("steps")]
        public double Steps { get; set; } = 2;

        [ColumnName("guidance")]
        public double Guidance { get; set; } = 1;

        [ColumnName("width")]
        public double Width { get; set; } = 16;

        [ColumnName("height")]
        public double Height { get; set; } = 8;

        [ColumnName("scale")]
        public double Scale { get; set; } = 1;

        [ColumnName("start")]
        public double Start { get; set; }

        [ColumnName("end")]
        public double End { get; set; } = 1;

        [ColumnName("mode")]
        public string Mode { get; set; } = "";

        [ColumnName("file")]
        public string File { get; set; } = "condition.png";
    }
}
