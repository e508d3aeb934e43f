using ControlNet.ML.Components;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace ControlNet.ML.Torch.Tests.Components;

/// <summary>Prompts of several windows in the vectors of EncodeText, and the images made of them.</summary>
public sealed class LongPromptStageTests(ImageRows rows) : IClassFixture<ImageRows>
{
    private readonly MLContext _ml = new();

    private ControlNetTransforms Stages => _ml.Transforms.ControlNet();

    private static DenoiseComponentOptions Denoising => new() { Steps = 2, Guidance = 4, Width = 32, Height = 32, SeedColumn = "Seed" };

    private static PromptRow[] Rows =>
    [
        new() { Id = 0, Prompt = "tiger face", Seed = 1 },
        new() { Id = 1, Prompt = Repeated("(red:1.3)", 40), Seed = 2 },
        new() { Id = 2, Prompt = "fox", Negative = Repeated("red", 31), Seed = 3 },
        new() { Id = 3, Prompt = Repeated("(blue)", 70), Seed = 4 },
    ];

    private IDataView Data => _ml.Data.LoadFromEnumerable(Rows);

    [Theory]
    [InlineData("emoji", 3)]
    [InlineData("emoji", 5)]
    [InlineData("sdxl", 2)]
    public void The_windows_that_there_is_room_for_do_not_change_the_images(string name, int windows)
    {
        using var other = name == "emoji" ? null : DiffusionModel.Load(Fixtures.Path("models", name), new LoadOptions { Device = "cpu" });
        var model = other ?? rows.Model;
        var options = new EncodeTextComponentOptions { NegativePromptColumn = "Negative", PromptSyntax = PromptSyntax.Weighted, Windows = windows };
        var encode = Stages.EncodeText("Text", "Prompt", model, options);
        var type = (VectorDataViewType)encode.Fit(Data).GetOutputSchema(Data.Schema)["Text"].Type;
        int[] expectedType = name == "emoji" ? [2, windows * 32, 256] : [2, (windows * 77 * model.Folder.UNet.CrossAttentionDim) + model.Folder.TextEncoder2!.ProjectionDim];
        Assert.Equal(expectedType, type.Dimensions);

        var expected = Rows.Select(row => (row.Id, Cells.Of(model.Generate(
            row.Prompt,
            new GenerateOptions { Steps = 2, Guidance = 4, Width = 32, Height = 32, Seed = (ulong)row.Seed, PromptSyntax = PromptSyntax.Weighted, NegativePrompt = row.Negative is "" ? null : row.Negative }).Image))).ToList();
        var chain = encode.Append(Stages.Denoise("Latents", "Text", model, null, Denoising)).Append(Stages.DecodeImage("Image", "Latents", model));
        Cells.Equal(expected, Cells.Read(chain.Fit(Data).Transform(Data), "Image"), 1);
        var whole = Stages.Generate("Image", "Prompt", model, null, new()
        {
            Steps = 2,
            Guidance = 4,
            Width = 32,
            Height = 32,
            SeedColumn = "Seed",
            NegativePromptColumn = "Negative",
            PromptSyntax = PromptSyntax.Weighted,
        });
        Cells.Equal(expected, Cells.Read(whole.Fit(Data).Transform(Data), "Image"), 1);
        foreach (var transformer in (ITransformer[])[chain.Fit(Data), whole.Fit(Data)])
        {
            using var folder = new TemporaryFolder();
            _ml.Model.Save(transformer, Data.Schema, folder.File("model.zip"));
            var loaded = _ml.Model.Load(folder.File("model.zip"), out _);
            Cells.Equal(expected, Cells.Read(loaded.Transform(Data), "Image"), 1);
            (loaded as IDisposable)?.Dispose();
        }
    }

    [Fact]
    public void A_row_that_needs_more_windows_fails_and_says_what_to_do()
    {
        var view = Stages.EncodeText("Text", "Prompt", rows.Model, new() { NegativePromptColumn = "Negative", Windows = 2, PromptSyntax = PromptSyntax.Weighted }).Fit(Data).Transform(Data);
        var errors = view.GetColumn<string>("Error").ToArray();
        Assert.Equal(["", "", ""], errors[..3]);
        Assert.Equal(
            "The prompt or the negative prompt has 3 windows of 30 tokens, the vectors have room for 2: expected Windows 3, or LongPrompts.Truncate to cut prompts.",
            errors[3]);

        view = Stages.EncodeText("Text", "Prompt", rows.Model, new() { LongPrompts = LongPrompts.Truncate }).Fit(Data).Transform(Data);
        Assert.All(view.GetColumn<string>("Error"), Assert.Empty);
        var cut = Stages.EncodeText("Text", "Prompt", rows.Model, new() { LongPrompts = LongPrompts.Truncate, Windows = 2 }).Fit(Data).Transform(Data);
        Assert.Equal(
            view.GetColumn<float[]>("Text").Select(vector => vector.Take(32 * 256)),
            cut.GetColumn<float[]>("Text").Select(vector => vector.Take(32 * 256)));
    }

    [Fact]
    public void Generate_can_cut_prompts_too()
    {
        var options = new GenerateComponentOptions { Steps = 1, Width = 32, Height = 32, SeedColumn = "Seed", LongPrompts = LongPrompts.Truncate };
        var expected = Rows.Select(row => (row.Id, Cells.Of(rows.Model.Generate(
            row.Prompt, new GenerateOptions { Steps = 1, Width = 32, Height = 32, Seed = (ulong)row.Seed, LongPrompts = LongPrompts.Truncate }).Image))).ToList();
        Cells.Equal(expected, Cells.Read(Stages.Generate("Image", "Prompt", rows.Model, null, options).Fit(Data).Transform(Data), "Image"), 1);
    }

    [Fact]
    public void Settings_that_are_none_are_refused()
    {
        Assert.Equal("Windows is 0, expected 1 to 100.", Assert.Throws<ControlNetException>(() => Stages.EncodeText("Text", "Prompt", rows.Model, new() { Windows = 0 })).Message);
        Assert.Equal("Windows is 101, expected 1 to 100.", new EncodeTextComponentOptions { Windows = 101 }.Validate());
        Assert.Equal("The prompt syntax is 7, expected 'plain' or 'weighted'.", new EncodeTextComponentOptions { PromptSyntax = (PromptSyntax)7 }.Validate());
        Assert.Equal("LongPrompts is 7, expected 'Windows' or 'Truncate'.", new GenerateComponentOptions { LongPrompts = (LongPrompts)7 }.Validate());
    }

    [Theory]
    [InlineData(2, 33, 256)]
    [InlineData(2, 32, 255)]
    [InlineData(2, 1, 256)]
    [InlineData(4, 16, 256)]
    [InlineData(1, 64, 256)]
    [InlineData(2, 3232, 256)]
    [InlineData((2 * 32 * 256) + 2)]
    [InlineData((2 * 32 * 256) + 1)]
    [InlineData(32 * 256)]
    public void A_column_that_holds_no_texts_is_refused(params int[] dimensions)
    {
        Fit(2, 64, 256);
        Fit(2 * 64 * 256);
        var error = Assert.Throws<ArgumentOutOfRangeException>(() => Fit(dimensions)).Message;
        Assert.Contains("expected Vector<Single, 2, 32, 256>, or of several windows, got", error, StringComparison.Ordinal);
    }

    private static string Repeated(string word, int times) => string.Join(' ', Enumerable.Repeat(word, times));

    /// <summary>Fits Denoise to a column of vectors of those dimensions.</summary>
    private void Fit(params int[] dimensions)
    {
        var definition = SchemaDefinition.Create(typeof(VectorRow));
        definition["Text"].ColumnType = new VectorDataViewType(NumberDataViewType.Single, dimensions);
        var data = _ml.Data.LoadFromEnumerable([new VectorRow { Text = new float[dimensions.Aggregate((size, side) => size * side)] }], definition);
        Stages.Denoise("Latents", "Text", rows.Model).Fit(data);
    }

    private sealed class VectorRow
    {
        public float[] Text { get; set; } = [];
    }

    private sealed class PromptRow
    {
        public int Id { get; set; }

        public string Prompt { get; set; } = "";

        public string Negative { get; set; } = "";

        public long Seed { get; set; }
    }
}
