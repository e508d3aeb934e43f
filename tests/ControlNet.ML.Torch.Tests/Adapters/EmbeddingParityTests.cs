using System.Text.Json;

namespace ControlNet.ML.Torch.Tests.Adapters;

/// <summary>Textual inversions in a model, against transformers' text states, and gone again.</summary>
[Trait("Category", "Parity")]
public sealed class EmbeddingParityTests
{
    [Fact]
    public void Text_states_are_those_of_transformers()
    {
        SkipWithout();
        using var model = AdapterFixtures.Model();
        var before = model.EncodeText("a photo of <cat> on a mat").Hidden.Values;
        model.LoadEmbedding(AdapterFixtures.File("ti-diffusers.safetensors"));
        model.LoadEmbedding(AdapterFixtures.File("ti-string_to_param.pt"));
        using var prompts = JsonDocument.Parse(File.ReadAllText(AdapterFixtures.File("inversion.json")));
        var reference = AdapterFixtures.Reference("inversion");
        foreach (var (i, prompt) in prompts.RootElement.GetProperty("prompts").EnumerateArray().Index())
        {
            if (reference.Has($"{i}.last_hidden_state"))
                Close.Absolute<double, float>(
                    reference.Doubles($"{i}.last_hidden_state"), model.EncodeText(prompt.GetProperty("prompt").GetString()!, longPrompts: LongPrompts.Truncate).Hidden.Values,
                    AdapterFixtures.Tolerance, $"prompt {i}");
        }

        Assert.True(model.UnloadEmbedding("<cat>"));
        Assert.True(model.UnloadEmbedding("my-style"));
        Assert.False(model.UnloadEmbedding("my-style"));
        Assert.Equal(before, model.EncodeText("a photo of <cat> on a mat").Hidden.Values);
    }

    [Fact]
    public void Both_text_encoders_of_SDXL_get_their_vectors()
    {
        SkipWithout();
        using var model = AdapterFixtures.Model("sdxl");
        var before = model.EncodeText("a <x>").Hidden;
        var embedding = model.LoadEmbedding(AdapterFixtures.File("ti-sdxl.safetensors"), "<x>");
        Assert.Equal([embedding], model.Embeddings);
        var after = model.EncodeText("a <x>").Hidden;
        Assert.NotEqual(before.Values[..16], after.Values[(4 * 40)..((4 * 40) + 16)]);
        Assert.Equal(before.Shape.ToArray(), after.Shape.ToArray());
    }

    [Fact]
    public void An_image_records_the_textual_inversions_of_its_prompt()
    {
        SkipWithout();
        using var model = AdapterFixtures.Model();
        var embedding = model.LoadEmbedding(AdapterFixtures.File("ti-diffusers.safetensors"));
        model.LoadEmbedding(AdapterFixtures.File("ti-string_to_param.pt"));
        var image = model.Generate("a <cat>", new GenerateOptions { Steps = 1, Width = 64, Height = 64 });
        Assert.Equal(("<cat>", embedding.Sha256, false), (image.Provenance["embedding_1"], image.Provenance["embedding_1_sha256"], image.Provenance.ContainsKey("embedding_2")));
    }

    private static void SkipWithout() => Assert.SkipUnless(Fixtures.Has("adapters", "inversion.json"), $"No adapters in {Fixtures.Root}.");
}
