using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Tests.Adapters;

/// <summary>Every naming of fixtures/adapters, alone and together, against diffusers' outputs.</summary>
[Trait("Category", "Parity")]
public sealed class LoraParityTests
{
    [Theory]
    [InlineData("base", "")]
    [InlineData("a@1", "a-peft:1")]
    [InlineData("a@0.8", "a-peft:0.8")]
    [InlineData("a@0.8", "a-kohya:0.8")]
    [InlineData("a@1", "a-mixed-names")]
    [InlineData("b@1", "b-kohya")]
    [InlineData("a@0.7+b@0.3", "a-peft:0.7;b-kohya:0.3")]
    [InlineData("a@0.7+b@0.3", "b-kohya:0.3;a-kohya:0.7")]
    [InlineData("a@0.8", "a-peft:0.3;a-kohya:0.5")]
    [InlineData("attention@1", "attention-diffusers")]
    [InlineData("attention@1", "old-processors")]
    [InlineData("metadata@1", "metadata")]
    [InlineData("mixed@1", "mixed-kohya")]
    public void Networks_compute_what_diffusers_computes(string name, string loras)
    {
        SkipWithout();
        var reference = AdapterFixtures.Reference("outputs");
        using var model = AdapterFixtures.Model();
        using var scope = NewDisposeScope();
        model.Set(loras);
        Close.Absolute<double, float>(reference.Doubles($"{name}.unet"), model.UNet(reference), AdapterFixtures.Tolerance, $"{loras}: UNet");
        Close.Absolute<double, float>(
            reference.Doubles($"{name}.text"), model.Text(reference).Last.ToData().Values, AdapterFixtures.Tolerance, $"{loras}: text");
    }

    [Fact]
    public void A_file_in_float16_gives_the_same_up_to_its_rounding()
    {
        SkipWithout();
        var reference = AdapterFixtures.Reference("outputs");
        using var model = AdapterFixtures.Model();
        model.Set("a-fp16:0.8");
        Close.Absolute<double, float>(reference.Doubles("a@0.8.unet"), model.UNet(reference), 1e-3, "UNet");
    }

    [Fact]
    public void Merged_weights_are_those_of_fuse_lora()
    {
        SkipWithout();
        var reference = AdapterFixtures.Reference("outputs");
        using var model = AdapterFixtures.Model();
        model.Set("a-peft:0.8");
        foreach (var (row, (_, values)) in model.Weights().Index())
            TensorChecks.Compare(reference, "fused_a@0.8.checks", row, values, 1e-6);
    }

    [Fact]
    public void SDXL_in_the_original_block_names_with_two_text_encoders()
    {
        SkipWithout();
        var reference = AdapterFixtures.Reference("outputs-sdxl");
        using var model = AdapterFixtures.Model("sdxl");
        using var scope = NewDisposeScope();
        model.Set("sdxl-sgm-kohya:0.8");
        Close.Absolute<double, float>(reference.Doubles("unet"), model.UNet(reference), AdapterFixtures.Tolerance, "UNet");
        Close.Absolute<double, float>(
            reference.Doubles("text"), model.Text(reference).Last.ToData().Values, AdapterFixtures.Tolerance, "text");
        Close.Absolute<double, float>(
            reference.Doubles("text_2"), model.Text(reference, 1).Projected!.ToData().Values, AdapterFixtures.Tolerance, "second text");
    }

    [Theory]
    [InlineData("base", "")]
    [InlineData("a@0.8", "a-peft:0.8")]
    [InlineData("a@0.7+b@0.3", "a-peft:0.7;b-kohya:0.3")]
    public void Images_are_those_of_diffusers_pipeline(string name, string loras)
    {
        SkipWithout();
        var reference = AdapterFixtures.Reference("outputs");
        using var model = AdapterFixtures.Model();
        var image = model.Generate(LoraRuns.Prompt, LoraRuns.Options(reference, loras));
        Close.Absolute<double, float>(reference.Doubles($"{name}.image"), image.Pixels.Values, 1e-4, name);
    }

    [Fact]
    public void A_control_network_runs_beside_LoRAs()
    {
        SkipWithout();
        var reference = AdapterFixtures.Reference("outputs");
        using var model = AdapterFixtures.Model();
        using var control = ControlNetwork.Load(Fixtures.Path("models", "sd1-control-a"), new LoadOptions { Device = "cpu" });
        var condition = new TensorData(reference.Floats("condition"), reference.Shape("condition"));
        var image = model.Generate(
            LoraRuns.Prompt, [new ControlInput(control, condition)], LoraRuns.Options(reference, "a-peft:0.7;b-kohya:0.3"));
        Close.Absolute<double, float>(reference.Doubles("a@0.7+b@0.3.control_image"), image.Pixels.Values, 1e-4, "image");
    }

    private static void SkipWithout() => Assert.SkipUnless(Fixtures.Has("adapters", "outputs.safetensors"), $"No adapters in {Fixtures.Root}.");
}
