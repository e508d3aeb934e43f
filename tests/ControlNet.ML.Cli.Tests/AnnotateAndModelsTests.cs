using System.Text.Json;
using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Tests;

public sealed class AnnotateAndModelsTests
{
    [Fact]
    public async Task Canny_of_a_photo_is_the_librarys_own()
    {
        using var tool = new Tool();

        var answer = await tool.RunAsync("annotate", Tool.Photo, "--low", "50", "--high", "120", "--l2");

        Assert.Equal((0, "panda-canny.png\n", ""), (answer.Code, answer.Output.ReplaceLineEndings("\n"), answer.Error));
        var expected = Canny.Apply(ImageCodec.Load(Tool.Photo), new CannyOptions { Low = 50, High = 120, L2Gradient = true });
        Assert.Equal(expected.Samples, ImageCodec.Load("panda-canny.png").Samples);
    }

    [Fact]
    public async Task The_networks_of_learned_conditions_are_listed_with_where_they_come_from()
    {
        using var tool = new Tool();

        var text = await tool.RunAsync("models", "--annotators");
        var data = await tool.RunAsync("models", "--annotators", "--json");
        var refused = await tool.RunAsync("models", "emoji", "--annotators");

        Assert.Equal((0, ""), (text.Code, text.Error));
        Assert.Contains("openpose-light     Daniil-Osokin/lightweight-human-pose-estimation.pytorch", text.Output, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(data.Output);
        var rows = json.RootElement.GetProperty("annotators").EnumerateArray().ToList();
        Assert.Contains(rows, row => row.GetProperty("condition").GetString() == "dwpose" && row.GetProperty("option").GetString() == "detector");
        Assert.Equal(["mlsd"], rows.Where(row => row.GetProperty("included").GetBoolean()).Select(row => row.GetProperty("condition").GetString()));
        Assert.Equal(App.Misused, refused.Code);
    }

    [Fact]
    public async Task Annotate_that_is_stopped_or_fails_at_a_kind_leaves_no_files()
    {
        using var tool = new Tool();
        Assert.Equal(App.Cancelled, (await tool.RunAsync(new CancellationToken(canceled: true), "annotate", Tool.Photo, "--as", "canny,blur")).Code);
        Assert.Empty(tool.Files);

        Assert.Equal(App.Misused, (await tool.RunAsync("annotate", Tool.Photo, "--as", "canny,lineart")).Code);
        Assert.Empty(tool.Files);
    }

    [Fact]
    public async Task Several_kinds_and_a_size()
    {
        using var tool = new Tool();

        var answer = await tool.RunAsync("annotate", Tool.Photo, "--as", "canny,none", "--size", "40x24", "--output", "out.png", "--json");

        Assert.Equal(["out-canny.png", "out-none.png", "out-sheet.png"], tool.Files);
        using var json = JsonDocument.Parse(answer.Output);
        var photo = json.RootElement.GetProperty("photos")[0];
        var geometry = photo.GetProperty("geometry");
        Assert.Equal((40, 40, 0, -8), (Of("scaled_width"), Of("scaled_height"), Of("offset_x"), Of("offset_y")));
        Assert.All(photo.GetProperty("conditions").EnumerateArray(), c => Assert.Equal(40, c.GetProperty("width").GetInt32()));
        Assert.Equal((40, 24), (ImageCodec.Load("out-none.png").Width, ImageCodec.Load("out-none.png").Height));

        int Of(string name) => geometry.GetProperty(name).GetInt32();
    }

    [Fact]
    public async Task Settings_reach_the_kinds_that_know_them()
    {
        using var tool = new Tool();

        Assert.Equal(0, (await tool.RunAsync("annotate", Tool.Photo, "--as", "scribble,blur", "--set", "threshold=90", "--set", "sigma=2.5")).Code);
        var refused = await tool.RunAsync("annotate", Tool.Photo, "--as", "scribble,blur", "--set", "radius=3");

        var photo = ImageCodec.Load(Tool.Photo);
        Assert.Equal(Scribble.Apply(photo, new ScribbleOptions { Threshold = 90 }).Samples, ImageCodec.Load("panda-scribble.png").Samples);
        Assert.Equal(Blur.Apply(photo, new BlurOptions { Sigma = 2.5 }).Samples, ImageCodec.Load("panda-blur.png").Samples);
        Assert.Equal(App.Misused, refused.Code);
        Assert.Contains("no option 'radius'", refused.Error);
    }

    [Fact]
    public async Task Without_arguments_the_commands_are_listed()
    {
        using var tool = new Tool();
        var answer = await tool.RunAsync();
        Assert.Equal((0, ""), (answer.Code, answer.Error));
        Assert.All(new[] { "generate", "annotate", "models", "bench" }, command => Assert.Contains(command, answer.Output));
    }

    [Fact]
    public async Task The_list_names_every_kind()
    {
        using var tool = new Tool();
        var answer = await tool.RunAsync("annotate", "--list");
        Assert.All(ConditionCatalog.All, kind => Assert.Contains(kind.Description, answer.Output));
    }

    [Fact]
    public async Task Models_lists_what_is_embedded_and_looks_into_folders()
    {
        using var tool = new Tool();

        Assert.Contains("emoji/canny", (await tool.RunAsync("models")).Output);
        using var model = JsonDocument.Parse((await tool.RunAsync("models", "emoji", "--json")).Output);
        Assert.Equal(["text_encoder", "unet", "vae"], model.RootElement.GetProperty("parts").EnumerateArray().Select(p => p.GetProperty("name").GetString()));
        Assert.Contains("residuals", (await tool.RunAsync("models", "emoji/canny")).Output);
        var xl = await tool.RunAsync("models", Fixtures.Path("models", "sdxl"));
        Assert.Contains("text_encoder_2", xl.Output);
    }
}
