using ControlNet.ML.Components;
using ControlNet.ML.Imaging;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace ControlNet.ML.Torch.Tests.Components;

/// <summary>The single stages, and that their chain makes the images of the whole.</summary>
public sealed class StageChainTests(ImageRows rows) : IClassFixture<ImageRows>
{
    private const double Rounding = 2e-3;

    private static readonly int[] Ids = [0, 1, 2];

    private readonly MLContext _ml = new();

    private ControlNetTransforms Stages => _ml.Transforms.ControlNet();

    private static DenoiseComponentOptions Denoising => new() { Steps = 2, Guidance = 4, Width = 64, Height = 64, SeedColumn = "Seed" };

    private IDataView Data => ListRows.Of(_ml, ImageRows.Rows(Ids));

    [Fact]
    public void The_chain_of_the_stages_makes_the_image_of_the_whole()
    {
        var chain = Stages.EncodeCondition("Hint", "Edges", rows.Canny, 64, 64)
            .Append(Stages.EncodeText("Text", "Prompt", rows.Model, new() { NegativePrompt = "fox" }))
            .Append(Stages.Denoise("Latents", "Text", rows.Model, [new("Hint", rows.Canny)], Denoising with { BatchSize = 2 }))
            .Append(Stages.DecodeImage("Image", "Latents", rows.Model));
        var expected = Ids.Select(id => (id, Cells.Of(rows.Expected(id, ownSettings: false)))).ToList();
        Cells.Equal(expected, Cells.Read(chain.Fit(Data).Transform(Data), "Image"), 1);
        var generated = Stages.Generate("Image", "Prompt", rows.Model, rows.PlainControl, ImageRows.Plain).Fit(Data).Transform(Data);
        Cells.Equal(expected, Cells.Read(generated, "Image"), 1);
    }

    [Fact]
    public void Texts_are_the_encoders_embeddings()
    {
        var expected = ImageRows.Rows(Ids).Select(row => (row.Id, (float[])
            [.. rows.Model.EncodeText(row.Prompt, 1).Hidden.Values, .. rows.Model.EncodeText(row.Negative).Hidden.Values])).ToList();
        var encode = Stages.EncodeText("Text", "Prompt", rows.Model, new() { NegativePromptColumn = "Negative", ClipSkip = 1 });
        Cells.Equal(expected, Cells.Read(encode.Fit(Data).Transform(Data), "Text"), Rounding);
        var schema = Stages.EncodeText("Text", "Prompt", rows.Model).Fit(Data).GetOutputSchema(Data.Schema);
        Assert.Equal(new VectorDataViewType(NumberDataViewType.Single, 2, 32, 256), schema["Text"].Type);
        Assert.Equal("text of emoji: prompt, negative prompt", Content(schema["Text"]));
    }

    [Fact]
    public void Hints_are_the_networks_encoded_conditions()
    {
        var expected = ImageRows.Rows(Ids).Select(row => (row.Id, rows.Canny.Encode(row.Edges!.ToImageBuffer()).Values)).ToList();
        Cells.Equal(expected, Cells.Read(Stages.EncodeCondition("Hint", "Edges", rows.Canny, 64, 64).Fit(Data).Transform(Data), "Hint"), Rounding);
        var schema = Stages.EncodeCondition("Hint", "Edges", rows.Canny, 128, 64).Fit(Data).GetOutputSchema(Data.Schema);
        Assert.Equal(new VectorDataViewType(NumberDataViewType.Single, 64, 8, 16), schema["Hint"].Type);
        Assert.Equal("hint of emoji/canny", Content(schema["Hint"]));
    }

    [Fact]
    public void Images_become_latents_and_images_again()
    {
        var options = new EncodeImageComponentOptions { Width = 64, Height = 64 };
        var expected = ImageRows.Rows(Ids).Select(row =>
        {
            var mean = rows.Model.Backend.EncodeImage(TensorImages.ToSigned(row.Edges!.ToImageBuffer())).Mean.Values;
            return (row.Id, mean.Select(value => value * (float)rows.Model.Folder.Autoencoder.ScalingFactor).ToArray());
        }).ToList();
        Cells.Equal(expected, Cells.Read(Stages.EncodeImage("Latents", "Edges", rows.Model, options).Fit(Data).Transform(Data), "Latents"), Rounding);

        var both = Stages.EncodeImage("Latents", "Edges", rows.Model, options).Append(Stages.DecodeImage("Image", "Latents", rows.Model)).Fit(Data).Transform(Data);
        Assert.Equal(new ImageDataViewType(64, 64), both.Schema["Image"].Type);
        Assert.Equal(new VectorDataViewType(NumberDataViewType.Single, 8, 8, 8), both.Schema["Latents"].Type);
        Assert.Equal("latents of emoji", Content(both.Schema["Latents"]));

        var image = ImageCodec.Load(GoldenModel.Golden("text2img-a.png"));
        var photo = _ml.Data.LoadFromEnumerable([new PhotoRow { Photo = image.ToMLImage() }]);
        var again = Stages.EncodeImage("Latents", "Photo", rows.Model).Append(Stages.DecodeImage("Image", "Latents", rows.Model)).Fit(photo).Transform(photo);
        Assert.InRange(Cells.Of(image).Zip(Cells.Read(again, "Image").Single().Values, (a, b) => Math.Abs(a - b)).Average(), 0, 6);
    }

    [Theory]
    [InlineData("sd2-v", "sd2-v-control-a")]
    [InlineData("sdxl", "sdxl-control-a")]
    [InlineData("sd1-lcm", null)]
    public void Models_of_other_families_are_the_same_whole_and_in_stages(string name, string? control)
    {
        using var model = DiffusionModel.Load(Fixtures.Path("models", name), new LoadOptions { Device = "cpu" });
        using var network = control is null ? null : ControlNetwork.Load(Fixtures.Path("models", control), new LoadOptions { Device = "cpu" });
        var hints = network is null ? [] : new ControlColumn[] { new("Hint", network) };
        var conditions = network is null ? [] : new ControlColumn[] { new("Edges", network) };
        var estimator = Stages.EncodeText("Text", "Prompt", model)
            .Append(Stages.Denoise("Latents", "Text", model, hints, Denoising))
            .Append(Stages.DecodeImage("Image", "Latents", model));
        var data = network is null ? Data : Stages.EncodeCondition("Hint", "Edges", network, 64, 64).Fit(Data).Transform(Data);
        var expected = ImageRows.Rows(Ids).Select(row => (row.Id, Cells.Of(model.Generate(
            row.Prompt,
            network is null ? [] : [new ControlInput(network, row.Edges!.ToImageBuffer())],
            new GenerateOptions { Steps = 2, Guidance = 4, Width = 64, Height = 64, Seed = (ulong)row.Seed }).Image))).ToList();

        Cells.Equal(expected, Cells.Read(estimator.Fit(data).Transform(data), "Image"), 1);
        var whole = Stages.Generate("Image", "Prompt", model, conditions, new() { Steps = 2, Guidance = 4, Width = 64, Height = 64, SeedColumn = "Seed" });
        Cells.Equal(expected, Cells.Read(whole.Fit(data).Transform(data), "Image"), 1);
    }

    [Fact]
    public void A_row_of_scale_0_needs_no_hint()
    {
        var all = ImageRows.Rows(0, 4);
        all[1].Edges = null;
        var data = _ml.Data.LoadFromEnumerable(all);
        var chain = Stages.EncodeCondition("Hint", "Edges", rows.Canny, 64, 64, new() { ErrorColumn = null })
            .Append(Stages.EncodeText("Text", "Prompt", rows.Model, new() { NegativePromptColumn = "Negative" }))
            .Append(Stages.Denoise("Latents", "Text", rows.Model, [new("Hint", rows.Canny) { ScaleColumn = "Scale", WeightingColumn = "Weighting" }], Denoising))
            .Append(Stages.DecodeImage("Image", "Latents", rows.Model));
        Cells.Equal(new[] { 0, 4 }.Select(id => (id, Cells.Of(rows.Expected(id, ownSettings: true)))), Cells.Read(chain.Fit(data).Transform(data), "Image"), 1);
    }

    private static string Content(DataViewSchema.Column column)
    {
        ReadOnlyMemory<char> content = default;
        column.Annotations.GetValue("Content", ref content);
        return content.ToString();
    }

    private sealed class PhotoRow
    {
        public int Id { get; set; }

        [ImageType(128, 128)]
        public MLImage? Photo { get; set; }
    }
}
