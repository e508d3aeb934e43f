using ControlNet.ML.Adapters;
using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Torch.Tests.Adapters;

/// <summary>LoRAs on, off and exchanged without loading anything again.</summary>
public sealed class LoraUseTests
{
    private static readonly ReferenceTensors Reference = AdapterFixtures.Reference("outputs");

    [Fact]
    public void Weights_come_back_bit_for_bit()
    {
        using var model = AdapterFixtures.Model();
        var before = model.Weights().Select(weight => weight.Values).ToArray();
        var output = model.UNet(Reference);
        foreach (var loras in (string[])["a-peft:0.8", "a-peft:0.7;b-kohya:0.3", "b-kohya:-1.5", ""])
            model.Set(loras);
        Assert.Equal(before, model.Weights().Select(weight => weight.Values));
        Assert.Equal(output, model.UNet(Reference));
    }

    [Fact]
    public void An_exchange_reads_no_weights_and_computes_only_those_that_change()
    {
        using var model = AdapterFixtures.Model();
        var read = model.WeightCounters.Read;
        Assert.True(read > 0);
        var (mixed, other) = (
            model.LoadLora(AdapterFixtures.File("lora-mixed-kohya.safetensors")),
            model.LoadLora(AdapterFixtures.File("lora-metadata.safetensors")));
        Set(new(mixed, 0.5), new(other, 1));
        var merged = model.WeightCounters.Merged;
        Set(new(mixed, 0.5), new(other, 1));
        Assert.Equal(new WeightCounters(read, merged, 0), model.WeightCounters);

        Set(new WeightedLora(other, 1));
        var counters = model.WeightCounters;
        Assert.Equal(read, counters.Read);
        Assert.Equal(mixed.Modules.Count, counters.Merged - merged + counters.Restored);
        Set();
        Assert.Equal((read, counters.Merged), (model.WeightCounters.Read, model.WeightCounters.Merged));

        void Set(params WeightedLora[] loras) => model.Backend.SetLoras(ModelParts.All, loras);
    }

    [Fact]
    public void Each_image_has_its_own_LoRAs()
    {
        using var model = AdapterFixtures.Model();
        string[] lists = ["", "a-peft:0.8", "", "a-peft:0.7;b-kohya:0.3", "a-peft:0.8"];
        string[] names = ["base", "a@0.8", "base", "a@0.7+b@0.3", "a@0.8"];
        foreach (var (name, list) in names.Zip(lists))
        {
            var image = model.Generate(LoraRuns.Prompt, LoraRuns.Options(Reference, list), TestContext.Current.CancellationToken);
            Close.Absolute<double, float>(Reference.Doubles($"{name}.image"), image.Pixels.Values, 1e-4, name);
        }
    }

    [Fact]
    public async Task Images_that_are_denoised_in_turns_keep_their_LoRAs()
    {
        using var model = AdapterFixtures.Model();
        await using var plain = model.GenerateSteps(LoraRuns.Prompt, options: LoraRuns.Options(Reference, "")).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        await using var changed = model.GenerateSteps(LoraRuns.Prompt, options: LoraRuns.Options(Reference, "a-peft:0.8")).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        GenerationStep? last = null, lastChanged = null;
        while (await plain.MoveNextAsync() && await changed.MoveNextAsync())
            (last, lastChanged) = (plain.Current, changed.Current);
        Close.Absolute<double, float>(Reference.Doubles("base.image"), last!.Image().Pixels.Values, 1e-4, "base");
        Close.Absolute<double, float>(Reference.Doubles("a@0.8.image"), lastChanged!.Image().Pixels.Values, 1e-4, "a@0.8");
    }

    [Fact]
    public void Images_with_different_LoRAs_are_no_batch()
    {
        using var model = AdapterFixtures.Model();
        GenerateRequest[] requests = [.. ((string[])["a-peft:0.8", "a-peft:0.7"]).Select(list => new GenerateRequest("", [], LoraRuns.Options(Reference, list)))];
        Assert.Contains("the same LoRAs", Assert.Throws<ArgumentException>(() => model.GenerateBatch(requests, TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_loaded_LoRA_is_named_and_recorded()
    {
        using var model = AdapterFixtures.Model();
        var lora = model.LoadLora(AdapterFixtures.File("lora-a-peft.safetensors"), "style");
        var image = model.Generate(LoraRuns.Prompt, LoraRuns.Options(Reference, "") with { Loras = [new LoraWeight("style", 0.8)] });
        Close.Absolute<double, float>(Reference.Doubles("a@0.8.image"), image.Pixels.Values, 1e-4, "image");
        Assert.Equal("lora-a-peft.safetensors", image.Provenance["lora_1"]);
        Assert.Equal("0.8", image.Provenance["lora_1_weight"]);
        Assert.Equal(lora.Sha256, image.Provenance["lora_1_sha256"]);
        Assert.True(model.UnloadLora("style"));
        Assert.Contains("'style'", Assert.Throws<ControlNetException>(() => model.Generate("", LoraRuns.Options(Reference, "") with { Loras = [new LoraWeight("style")] })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_prompt_names_LoRAs_of_a_folder()
    {
        using var model = AdapterFixtures.Model();
        var options = LoraRuns.Options(Reference, "") with { LoraFolder = Fixtures.Path("adapters") };
        var image = model.Generate("a red apple <lora:lora-a-peft:0.8>on a table", options);
        Close.Absolute<double, float>(Reference.Doubles("a@0.8.image"), image.Pixels.Values, 1e-4, "image");
        Assert.Contains("<lora:lora-a-peft:0.8>", image.Provenance["prompt"], StringComparison.Ordinal);
        foreach (var (tag, words) in new[] { ("<lora:lora-a-peff>", "did you mean 'lora-a-peft'"), ("<lora:../x>", "no LoRA '../x'"), ("<lora:x:1:1>", "expected <lora:NAME>"), ("<lora:x:y>", "expected <lora:NAME>") })
            Assert.Contains(words, Assert.Throws<ControlNetException>(() => model.Generate(tag, options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_is_encoded_with_the_LoRA_and_without()
    {
        using var model = AdapterFixtures.Model();
        var plain = model.EncodeText("a red apple").Hidden.Values;
        var changed = model.EncodeText("a red apple", loras: AdapterFixtures.Loras("a-peft")).Hidden.Values;
        Assert.NotEqual(plain, changed);
        Assert.Equal(plain, model.EncodeText("a red apple").Hidden.Values);
    }
}
