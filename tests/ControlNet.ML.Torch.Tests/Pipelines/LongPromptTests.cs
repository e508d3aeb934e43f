using ControlNet.ML.Diffusion;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Torch.Tests.Pipelines;

/// <summary>Weights and long prompts with whole models: the embedded one, whose windows have 30 tokens, and tiny ones of other families.</summary>
public sealed class LongPromptTests : IDisposable
{
    private const double Rounding = 1e-4;
    private static readonly string[] Prompts =
    [
        "tiger", "apple " + Repeated("red", 40), Repeated("green", 30), "fox", Repeated("blue", 70), Repeated("grey", 45),
    ];

    private readonly DiffusionModel _model = DiffusionModel.Load("emoji", new LoadOptions { Device = "cpu" });

    private static GenerateOptions Options => new() { Steps = 2, Guidance = 4, Width = 32, Height = 32, Seed = 3 };

    public void Dispose() => _model.Dispose();

    [Theory]
    [InlineData("emoji", 32, null)]
    [InlineData("emoji", 32, 1)]
    [InlineData("sd1", 77, 1)]
    [InlineData("sdxl", 77, null)]
    [InlineData("sdxl", 77, 1)]
    public void Each_window_is_encoded_as_a_prompt_of_its_own(string name, int tokens, int? clipSkip)
    {
        using var model = Load(name);
        var text = model.EncodeText("a cat BREAK a dog BREAK", clipSkip, syntax: PromptSyntax.Weighted);
        var (cat, dog) = (model.EncodeText("a cat", clipSkip), model.EncodeText("a dog", clipSkip));
        Assert.Equal([1, 2 * tokens, cat.Hidden.Shape[2]], text.Hidden.Shape.ToArray());
        Assert.Equal([.. cat.Hidden.Values, .. dog.Hidden.Values], text.Hidden.Values);
        Assert.Equal(cat.Pooled?.Values, text.Pooled?.Values);

        // Words of one token each: the second window holds what the first one has no room for.
        text = model.EncodeText(Repeated("a", tokens - 2) + " dog", clipSkip);
        Assert.Equal([.. model.EncodeText(Repeated("a", tokens - 2), clipSkip).Hidden.Values, .. model.EncodeText("dog", clipSkip).Hidden.Values], text.Hidden.Values);
    }

    [Theory]
    [InlineData("sd1")]
    [InlineData("sdxl")]
    public void Weights_of_1_and_escaped_brackets_change_nothing(string name)
    {
        using var model = Load(name);
        var plain = model.EncodeText("a cat (red), a dog");
        foreach (var prompt in (string[])["a cat \\(red\\), a dog", "(a cat \\(red\\),:1) a dog", "((a cat \\(red\\), a dog:0.5):2)"])
        {
            var weighted = model.EncodeText(prompt, syntax: PromptSyntax.Weighted);
            Assert.Equal(plain.Hidden.Values, weighted.Hidden.Values);
            Assert.Equal(plain.Pooled?.Values, weighted.Pooled?.Values);
        }

        Assert.NotEqual(plain.Hidden.Values, model.EncodeText("a cat (red), a dog", syntax: PromptSyntax.Weighted).Hidden.Values);
    }

    [Theory]
    [InlineData("sd1")]
    [InlineData("sdxl")]
    public void A_weight_scales_its_tokens_in_each_encoder(string name)
    {
        using var model = Load(name);
        var (plain, weighted) = (model.EncodeText("a cat"), model.EncodeText("a (cat:1.5)", syntax: PromptSyntax.Weighted));
        Assert.Equal(plain.Pooled?.Values, weighted.Pooled?.Values);
        var width = plain.Hidden.Shape[2];
        var first = model.Folder.TextEncoder.HiddenSize;
        foreach (var columns in name == "sdxl" ? new[] { (0, first), (first, width) } : [(0, width)])
        {
            var (before, after) = (Columns(plain, columns), Columns(weighted, columns));
            var ratio = before.Average() / before.Select((value, i) => i / (columns.Item2 - columns.Item1) == 2 ? value * 1.5 : value).Average();
            var expected = before.Select((value, i) => value * ratio * (i / (columns.Item2 - columns.Item1) == 2 ? 1.5 : 1)).ToArray();
            Close.Relative(expected, [.. after.Select(value => (float)value)], 1e-4, "states");
            Close.Number(before.Average(), after.Average(), 1e-5, "mean");
        }

        double[] Columns(TextEmbedding text, (int Start, int End) columns) =>
            [.. Enumerable.Range(0, text.Hidden.Shape[1]).SelectMany(token => text.Hidden.Values[((token * width) + columns.Start)..((token * width) + columns.End)]).Select(value => (double)value)];
    }

    [Fact]
    public void A_short_prompt_is_the_same_image_whatever_becomes_of_long_ones()
    {
        var expected = _model.Generate("a (red) apple", Options).Latents.Values;
        Assert.Equal(expected, _model.Generate("a (red) apple", Options with { LongPrompts = LongPrompts.Truncate }).Latents.Values);
        Assert.Equal(expected, _model.Generate("a \\(red\\) apple", Options with { PromptSyntax = PromptSyntax.Weighted }).Latents.Values);
        Assert.NotEqual(expected, _model.Generate("a (red) apple", Options with { PromptSyntax = PromptSyntax.Weighted }).Latents.Values);
    }

    [Fact]
    public void A_long_prompt_is_used_whole_unless_the_cut_is_asked_for()
    {
        var (first, whole) = (Repeated("red", 30), Repeated("red", 30) + " tiger");
        var cut = _model.Generate(whole, Options with { LongPrompts = LongPrompts.Truncate });
        Assert.Equal(_model.Generate(first, Options).Latents.Values, cut.Latents.Values);
        Assert.Equal(["The prompt is longer than the 30 tokens that the text encoder takes; left out: 'tiger'."], cut.Warnings);
        Assert.Equal(("plain", "truncate"), (cut.Provenance["prompt_syntax"], cut.Provenance["long_prompts"]));

        var all = _model.Generate(whole, Options with { PromptSyntax = PromptSyntax.Weighted });
        Assert.NotEqual(cut.Latents.Values, all.Latents.Values);
        Assert.Empty(all.Warnings);
        Assert.Equal(("weighted", "windows"), (all.Provenance["prompt_syntax"], all.Provenance["long_prompts"]));
    }

    [Fact]
    public void The_shorter_of_prompt_and_negative_prompt_gets_empty_windows()
    {
        var expected = _model.Generate("tiger BREAK BREAK", Negative(Repeated("red", 40)));
        Assert.Equal(expected.Latents.Values, _model.Generate("tiger", Negative(Repeated("red", 40))).Latents.Values);
        Assert.NotEqual(expected.Latents.Values, _model.Generate("tiger", Negative(Repeated("red", 30))).Latents.Values);

        // Without guidance there is no negative prompt to be as long as.
        var plain = _model.Generate("tiger", Options with { Guidance = 1 });
        Assert.Equal(plain.Latents.Values, _model.Generate("tiger", Negative(Repeated("red", 40)) with { Guidance = 1 }).Latents.Values);

        static GenerateOptions Negative(string prompt) => Options with { NegativePrompt = prompt, PromptSyntax = PromptSyntax.Weighted };
    }

    [Fact]
    public void An_image_is_the_same_alone_and_among_prompts_of_other_lengths()
    {
        using var network = ControlNetwork.Load("emoji/canny", new LoadOptions { Device = "cpu" });
        var edges = new ImageBuffer(32, 32, 3);
        edges.Row(8).Fill(255);
        GenerateRequest[] requests = [.. Prompts.Select((prompt, i) => new GenerateRequest(
            prompt, i % 2 == 0 ? [] : [new ControlInput(network, edges)], Options with { Seed = (ulong)i, NegativePrompt = i == 3 ? Repeated("hat", 31) : null }))];
        var alone = requests.Select(request => _model.Generate(request.Prompt, request.Controls, request.Options).Latents).ToArray();
        foreach (var (expected, actual) in alone.Zip(_model.GenerateBatch(requests).Select(image => image.Latents)))
            Close.Relative([.. expected.Values.Select(value => (double)value)], actual.Values, Rounding, "latents");
    }

    [Fact]
    public void A_control_network_reads_the_whole_prompt()
    {
        using var network = ControlNetwork.Load("emoji/canny", new LoadOptions { Device = "cpu" });
        var unit = new ControlInput(network, new ImageBuffer(32, 32, 3));
        var longer = _model.Generate(Prompts[1], [unit], Options);
        Assert.NotEqual(_model.Generate(Prompts[1], Options).Latents.Values, longer.Latents.Values);
        Assert.NotEqual(_model.Generate(Prompts[1], [unit], Options with { LongPrompts = LongPrompts.Truncate }).Latents.Values, longer.Latents.Values);
    }

    private static string Repeated(string word, int times) => string.Join(' ', Enumerable.Repeat(word, times));

    private static DiffusionModel Load(string name) =>
        DiffusionModel.Load(name == "emoji" ? name : Fixtures.Path("models", name), new LoadOptions { Device = "cpu" });
}
