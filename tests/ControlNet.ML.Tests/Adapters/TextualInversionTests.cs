using System.Text.Json;
using ControlNet.ML.Adapters;
using ControlNet.ML.Tests.Weights;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Tests.Adapters;

/// <summary>Textual inversions in every container, and the tokens that they add.</summary>
public sealed class TextualInversionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory, Trait("Category", "Parity")]
    [InlineData("ti-diffusers.safetensors", "<cat>", 1)]
    [InlineData("ti-learned_embeds.bin", "<cat>", 1)]
    [InlineData("ti-emb_params.safetensors", "ti-emb_params", 1)]
    [InlineData("ti-emb_params-3.safetensors", "ti-emb_params-3", 3)]
    [InlineData("ti-string_to_param.pt", "my-style", 3)]
    [InlineData("ti-parameterdict.pt", "ti-parameterdict", 3)]
    public void Each_container_has_its_vectors_and_a_token(string file, string token, int count)
    {
        SkipWithout();
        var read = TextualInversion.Read(Fixtures.Path("adapters", file), null, [16], 75);
        Assert.Equal(token, read.Token);
        Assert.Equal([count, 16], Assert.Single(read.Vectors).Shape.ToArray());
        Assert.Equal("given", TextualInversion.Read(Fixtures.Path("adapters", file), "given", [16], 75).Token);
    }

    [Fact, Trait("Category", "Parity")]
    public void SDXL_has_vectors_for_both_text_encoders()
    {
        SkipWithout();
        var read = TextualInversion.Read(Fixtures.Path("adapters", "ti-sdxl.safetensors"), "<x>", [16, 24], 75);
        Assert.Equal([16, 24], read.Vectors.Select(tower => tower.Shape[1]));
        Assert.Equal(["<x>", "<x>_1"], read.Tokens);
        Refuses("has vectors for 2 text encoders, the model has 1", Fixtures.Path("adapters", "ti-sdxl.safetensors"), 16);
        Refuses("has vectors for 1 text encoder, the model has 2", Fixtures.Path("adapters", "ti-diffusers.safetensors"), 16, 24);
    }

    [Fact, Trait("Category", "Parity")]
    public void Prompts_are_converted_and_tokenized_as_by_diffusers()
    {
        SkipWithout();
        var set = Loaded();
        using var expected = JsonDocument.Parse(File.ReadAllText(Fixtures.Path("adapters", "inversion.json")));
        var tensors = new ReferenceTensors(Fixtures.Path("adapters", "inversion.safetensors"));
        foreach (var (i, prompt) in expected.RootElement.GetProperty("prompts").EnumerateArray().Index())
        {
            var converted = set.Convert(prompt.GetProperty("prompt").GetString()!);
            Assert.Equal(prompt.GetProperty("converted").GetString(), converted);
            Assert.Equal(
                prompt.GetProperty("tokens").EnumerateArray().Select(token => token.GetString()),
                set.Tokenizers[0].EncodeToTokens(converted, out _).Select(token => token.Value));
            Assert.Equal(tensors.Doubles($"{i}.input_ids").Select(id => (int)id), set.Tokenizers[0].Tokenize(converted).Ids);
        }

        Assert.Equal(expected.RootElement.GetProperty("vocabulary_before").GetInt32(), set.First(0));
        Assert.Equal(tensors.Floats("embedding_rows"), set.Vectors(0).Values);
        foreach (var added in expected.RootElement.GetProperty("added").EnumerateObject())
            Assert.Equal([added.Value.GetInt32()], set.Tokenizers[0].Encode(added.Name));
    }

    [Fact, Trait("Category", "Parity")]
    public void A_removed_token_is_text_again()
    {
        SkipWithout();
        var set = Loaded();
        var first = ModelFolder.Open(Fixtures.Path("models", "sd1")).ReadTokenizers()[0];
        Assert.Null(set.Without("<dog>"));
        Assert.Equal([first.VocabularySize], set.Without("<cat>")!.Tokenizers[0].Encode("my-style"));
        Assert.Equal(first.Encode("<cat> my-style"), set.Without("<cat>")!.Without("my-style")!.Tokenizers[0].Encode("<cat> my-style"));
    }

    [Theory]
    [InlineData("has 2 tensors, expected a textual inversion", "a", 1, "b", 1)]
    [InlineData("'emb_params' is F32 [0, 16], expected 1 to 75 vectors of 16 numbers", "emb_params", 0, null, 0)]
    [InlineData("'emb_params' is F32 [76, 16], expected 1 to 75 vectors of 16 numbers", "emb_params", 76, null, 0)]
    [InlineData("is a control network, expected a textual inversion", "controlnet_cond_embedding.conv_in.weight", 1, "x", 1)]
    public void Other_files_are_refused(string expected, string one, int rows, string? other, int otherRows)
    {
        var path = _folder.File("ti.safetensors");
        Written.To(path, new (string? Name, int Rows)[] { (one, rows), (other, otherRows) }.Where(tensor => tensor.Name is not null)
            .Select(tensor => TensorContent.FromFloats(tensor.Name!, new float[tensor.Rows * 16], tensor.Rows, 16)));
        Refuses(expected, path, 16);
    }

    [Fact]
    public void Another_width_and_values_that_are_not_finite_are_refused()
    {
        var path = Written.To(_folder.File("ti.safetensors"), [TensorContent.FromFloats("<x>", new float[] { 1, float.NaN }, 2)]);
        Refuses("'<x>' is F32 [2], expected 1 to 75 vectors of 768 numbers", path, 768);
        Refuses("values that are not finite", path, 2);
    }

    [Fact, Trait("Category", "Parity")]
    public void A_token_that_exists_is_refused()
    {
        SkipWithout();
        var again = TextualInversion.Read(Fixtures.Path("adapters", "ti-diffusers.safetensors"), null, [16], 75);
        Assert.Contains("'<cat>' cannot be added", Assert.Throws<ControlNetException>(() => Loaded().With(again)).Message, StringComparison.Ordinal);
    }

    private static EmbeddingSet Loaded() => EmbeddingSet.Of(ModelFolder.Open(Fixtures.Path("models", "sd1")).ReadTokenizers())
        .With(TextualInversion.Read(Fixtures.Path("adapters", "ti-diffusers.safetensors"), null, [16], 75))
        .With(TextualInversion.Read(Fixtures.Path("adapters", "ti-string_to_param.pt"), null, [16], 75));

    private static void Refuses(string expected, string path, params int[] widths) =>
        Assert.Contains(expected, Assert.Throws<ControlNetException>(() => TextualInversion.Read(path, null, widths, 75)).Message, StringComparison.Ordinal);

    private static void SkipWithout() => Assert.SkipUnless(Fixtures.Has("adapters"), $"No adapters in {Fixtures.Root}.");
}
