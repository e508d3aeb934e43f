using System.Text;
using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Tests.Configuration;

/// <summary>What a model's folder recommends is used where the user says nothing, and only there.</summary>
public sealed class GenerationConfigTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_model_recommends_what_the_user_leaves_open()
    {
        var config = Parse("""{"guidance_scale": 2, "num_inference_steps": 20, "scheduler": "euler", "width": 64, "height": 32, "prompt": "NAME"}""");
        Assert.Equal((2.0, 20, "euler", 64, 32, "NAME"), (config.GuidanceScale, config.NumInferenceSteps, config.Scheduler, config.Width, config.Height, config.Prompt));
        Assert.Empty(config.Warnings);
        var options = new GenerateOptions().For(config);
        Assert.Equal((2.0, 20, "euler"), (options.Guidance, options.Steps, options.Scheduler));
    }

    [Fact]
    public void The_user_decides()
    {
        var config = Parse("""{"guidance_scale": 2, "num_inference_steps": 20, "scheduler": "euler"}""");
        var options = new GenerateOptions { Guidance = 7.5, Steps = 50, Scheduler = "ddim" }.For(config);
        Assert.Equal((7.5, 50, "ddim"), (options.Guidance, options.Steps, options.Scheduler));
        var own = new GenerateOptions { SchedulerConfig = SchedulerConfig.Parse("""{"_class_name": "DDIMScheduler"}"""u8, "own") }.For(config);
        Assert.Null(own.Scheduler);
    }

    [Fact]
    public void Without_recommendations_the_defaults_are_those_of_diffusers()
    {
        var options = new GenerateOptions().For(new GenerationConfig());
        Assert.Equal((7.5, 50, null), (options.Guidance, options.Steps, options.Scheduler));
    }

    [Theory]
    [InlineData("""{"num_inference_steps": 0}""", "'num_inference_steps' is 0, expected 1 to 1000")]
    [InlineData("""{"guidance_scale": "2"}""", "'guidance_scale' is the string ")]
    [InlineData("""{"scheduler": "oiler"}""", "'scheduler': Unknown scheduler 'oiler'")]
    [InlineData("[]", "expected a JSON object")]
    public void What_cannot_be_is_refused_with_the_files_name(string json, string why)
    {
        var message = Assert.Throws<ControlNetException>(() => Parse(json)).Message;
        Assert.StartsWith("generation_config.json: ", message, StringComparison.Ordinal);
        Assert.Contains(why, message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_models_folder_is_read_with_it()
    {
        _folder.Copy(Fixtures.Path("models", "sd1"), "model");
        Assert.Equal((64, 64), ModelFolder.Open(_folder.File("model")).DefaultSize);
        Write("""{"width": 96, "mood": "happy"}""");
        var folder = ModelFolder.Open(_folder.File("model"));
        Assert.Equal((96, 64), folder.DefaultSize);
        Assert.Contains("generation_config.json: the unknown key 'mood' is ignored.", folder.Warnings);
        Write("""{"height": 97}""");
        var message = Assert.Throws<ControlNetException>(() => ModelFolder.Open(_folder.File("model"))).Message;
        Assert.StartsWith("generation_config.json: ", message, StringComparison.Ordinal);
        Assert.Contains("97", message, StringComparison.Ordinal);

        void Write(string json) => _folder.Write(Path.Combine("model", GenerationConfig.FileName), Encoding.UTF8.GetBytes(json));
    }

    private static GenerationConfig Parse(string json) => GenerationConfig.Parse(Encoding.UTF8.GetBytes(json), GenerationConfig.FileName);
}
