using ControlNet.ML.Cli.Tests.Scoring;
using ControlNet.ML.Imaging;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Cli.Tests;

/// <summary>LoRAs, textual inversions and transfers on the command line.</summary>
public sealed class AdapterTests
{
    private static readonly string Lora = Fixtures.Path("adapters", "lora-a-peft.safetensors"), Other = Fixtures.Path("adapters", "lora-b-kohya.safetensors");
    private static readonly string[] Common = ["--model", Fixtures.Path("models", "sd1"), "--steps", "2", "--seed", "3", "--size", "64"];

    [Fact]
    public async Task A_LoRA_is_an_option_or_in_the_prompt_and_recorded()
    {
        using var tool = new Tool();
        await Generate(tool, "plain.png", "an apple");
        await Generate(tool, "option.png", "an apple", "--lora", $"{Lora}:0.8", "--lora", Other);
        await Generate(tool, "tag.png", "an apple<lora:lora-a-peft:0.8>", "--lora-folder", Fixtures.Path("adapters"));
        await Generate(tool, "same.png", "an apple", "--lora", $"{Lora}:0.8");

        var text = PngText.Read("option.png");
        Assert.Equal(("lora-a-peft.safetensors", "0.8", "lora-b-kohya.safetensors", "1"), (text["lora_1"], text["lora_1_weight"], text["lora_2"], text["lora_2_weight"]));
        Assert.Equal(64, text["lora_1_sha256"].Length);
        Assert.Equal(Samples("same.png"), Samples("tag.png"));
        Assert.Equal(3, new[] { "plain.png", "option.png", "tag.png" }.Select(file => Convert.ToHexString(Samples(file))).Distinct().Count());
    }

    [Fact]
    public async Task A_textual_inversion_has_its_own_token_or_the_given_one()
    {
        using var tool = new Tool();
        var file = Fixtures.Path("adapters", "ti-diffusers.safetensors");
        await Generate(tool, "own.png", "a <cat>", "--embedding", file);
        await Generate(tool, "given.png", "a <dog>", "--embedding", $"{file}:<dog>");
        await Generate(tool, "without.png", "a <cat>");

        Assert.Equal(Samples("own.png"), Samples("given.png"));
        Assert.NotEqual(Samples("own.png"), Samples("without.png"));
        Assert.Equal("<dog>", PngText.Read("given.png")["embedding_1"]);
    }

    [Theory]
    [InlineData(1, "is a LoHa", "--lora", "lora-loha.safetensors")]
    [InlineData(1, "mid_block.attentions.0.transformer_blocks.0.attn1.to_q", "--lora", "lora-other-width.safetensors")]
    [InlineData(1, "There is no LoRA", "--lora", "nothing.safetensors")]
    [InlineData(2, "has no name", "--lora", "")]
    [InlineData(2, "expected FILE or FILE:TOKEN", "--embedding", "ti-diffusers.safetensors:")]
    public async Task What_cannot_be_used_is_named(int code, string expected, string option, string value)
    {
        using var tool = new Tool();
        var answer = await tool.RunAsync(["generate", "x", "--output", "x.png", option, value.Length == 0 ? "" : Fixtures.Path("adapters", value), .. Common]);
        Assert.Equal(code, answer.Code);
        Assert.Contains(expected, answer.Error, StringComparison.Ordinal);
        Assert.Empty(tool.Files);
    }

    [Fact]
    public async Task A_LoRA_is_not_overwritten()
    {
        using var tool = new Tool();
        File.Copy(Lora, "x.png");
        var answer = await tool.RunAsync(["generate", "x", "--output", "x.png", "--lora", "x.png", .. Common]);
        Assert.Equal(App.Misused, answer.Code);
        Assert.Contains("would overwrite the LoRA", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_row_of_a_table_has_its_own_LoRAs()
    {
        using var tool = new Tool();
        File.Copy(Lora, "a.safetensors");
        File.WriteAllText("t.csv", $"lora,seed\na.safetensors:0.8,3\n,3\n{Other}:0.5;a.safetensors,3\nb.safetensors,3\na.safetensors:0.8,3\n");

        var dry = await tool.RunAsync(["score", "t.csv", "--output", "o", "--prompt", "an apple", "--dry-run", .. Common]);
        var score = await tool.RunAsync(["score", "t.csv", "--output", "o", "--prompt", "an apple", "--batch-size", "4", "--format", "csv", "--lora", Other, .. Common]);
        await Generate(tool, "first.png", "an apple", "--lora", $"{Lora}:0.8");
        await Generate(tool, "second.png", "an apple", "--lora", Other);
        await Generate(tool, "third.png", "an apple", "--lora", $"{Other}:0.5", "--lora", Lora);

        Assert.Contains("1 invalid", dry.Output, StringComparison.Ordinal);
        Assert.Equal(App.SomeFailed, score.Code);
        var results = ScoreFolder.Results(Path.Combine("o", "results.csv"));
        Assert.Equal(["true", "true", "true", "false", "true"], results[1..].Select(row => row[1]));
        Assert.Contains("There is no LoRA", results[4][4], StringComparison.Ordinal);
        foreach (var (row, file) in new[] { (0, "first.png"), (1, "second.png"), (2, "third.png"), (4, "first.png") })
            Close.Absolute<byte, byte>(Samples(file), Samples($"o/pictures/{row:00000000}.png"), 1, file);

        // The run is that of its LoRAs.
        var other = await tool.RunAsync(["score", "t.csv", "--output", "o", "--prompt", "an apple", "--format", "csv", .. Common]);
        Assert.Contains("lora 1", other.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_control_network_is_moved_to_another_model()
    {
        using var tool = new Tool();
        var answer = await tool.RunAsync("transfer", Fixtures.Path("models", "sd1-control-a"), "--from", Fixtures.Path("models", "sd1"), "--to", Fixtures.Path("models", "sd1-lcm"), "--output", "moved");
        Assert.Equal((0, "moved\n"), (answer.Code, answer.Output.ReplaceLineEndings("\n")));
        Assert.Contains("296 tensors moved, 42 kept", answer.Error, StringComparison.Ordinal);
        Assert.Equal(338, ControlFolder.Open("moved").OpenWeights().Tensors.Count);
    }

    private static byte[] Samples(string file) => ImageCodec.Load(file).Samples.ToArray();

    private static async Task Generate(Tool tool, string output, string prompt, params string[] options)
    {
        var answer = await tool.RunAsync(["generate", prompt, "--output", output, .. Common, .. options]);
        Assert.Equal((0, ""), (answer.Code, answer.Error));
    }
}
