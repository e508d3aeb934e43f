using System.Text.Json;
using ControlNet.ML.Adapters;
using ControlNet.ML.Configuration;
using ControlNet.ML.Tests.Weights;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Tests.Adapters;

/// <summary>Which module a tensor of a LoRA file is for, what scales it, and what is refused.</summary>
public sealed class LoraReaderTests : IDisposable
{
    private const string Query = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q";
    private const string Output = "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0";
    private const string TextQuery = "text_model.encoder.layers.0.self_attn.q_proj";

    private static readonly UNetConfig UNet = new()
    {
        BlockOutChannels = [8, 16],
        DownBlockTypes = ["CrossAttnDownBlock2D", "DownBlock2D"],
        UpBlockTypes = ["UpBlock2D", "CrossAttnUpBlock2D"],
        AttentionHeadDim = [2, 2],
        TransformerLayersPerBlock = [1, 1],
        CrossAttentionDim = 12,
        NormNumGroups = 4,
        LayersPerBlock = 1,
    };

    private static readonly ClipTextConfig Text = new() { HiddenSize = 12, IntermediateSize = 24, NumHiddenLayers = 1, NumAttentionHeads = 2 };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData($"unet.{Query}.lora_A.weight", $"unet.{Query}.lora_B.weight", "unet", Query)]
    [InlineData($"{Query}.lora_A.default.weight", $"{Query}.lora_B.default.weight", "unet", Query)]
    [InlineData($"base_model.model.{Query}.lora_A.weight", $"base_model.model.{Query}.lora_B.weight", "unet", Query)]
    [InlineData($"unet.{Query}.lora.down.weight", $"unet.{Query}.lora_B.weight", "unet", Query)]
    [InlineData("unet.down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_out_lora.down.weight", "down_blocks.0.attentions.0.transformer_blocks.0.attn1.processor.to_out_lora.up.weight", "unet", Output)]
    [InlineData("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight", "lora_unet_input_blocks_1_1_transformer_blocks_0_attn1_to_q.lora_up.weight", "unet", Query)]
    [InlineData("diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.to_q.lora_down.weight", $"unet.{Query}.lora_B.weight", "unet", Query)]
    [InlineData($"text_encoder.{TextQuery}.lora_linear_layer.down.weight", "lora_te_text_model_encoder_layers_0_self_attn_q_proj.lora_up.weight", "text_encoder", TextQuery)]
    [InlineData("text_encoder.text_model.encoder.layers.0.self_attn.to_q_lora.down.weight", "lora_te1_text_model_encoder_layers_0_self_attn_q_proj.lora_up.weight", "text_encoder", TextQuery)]
    [InlineData("lora_te2_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight", $"text_encoder_2.{TextQuery}.lora_B.weight", "text_encoder_2", TextQuery)]
    public void Each_name_is_for_its_module(string down, string up, string part, string path)
    {
        var width = part == "unet" ? 8 : 12;
        var module = Assert.Single(Read((down, [2, width]), (up, [width, 2])));
        Assert.Equal((part, path, 1.0), (module.Part, module.Path, module.Scale));
        Assert.Equal([2, width], module.Down.Shape.ToArray());
    }

    [Fact]
    public void Alpha_is_divided_by_the_rank_and_taken_from_the_tensor_first()
    {
        Metadata = new() { ["unet.lora_alpha"] = 8, ["unet.alpha_pattern"] = new Dictionary<string, double> { ["attn1.to_k"] = 1, ["attn2.*"] = 3 } };
        const string block = "down_blocks.0.attentions.0.transformer_blocks.0";
        var scales = Read(
            ($"unet.{block}.attn1.to_q.lora_A.weight", [4, 8]), ($"unet.{block}.attn1.to_q.lora_B.weight", [8, 4]), ($"unet.{block}.attn1.to_q.alpha", []),
            ($"unet.{block}.attn1.to_k.lora_A.weight", [4, 8]), ($"unet.{block}.attn1.to_k.lora_B.weight", [8, 4]),
            ($"unet.{block}.attn1.to_v.lora_A.weight", [4, 8]), ($"unet.{block}.attn1.to_v.lora_B.weight", [8, 4]),
            ($"unet.{block}.attn2.to_q.lora_A.weight", [4, 8]), ($"unet.{block}.attn2.to_q.lora_B.weight", [8, 4]))
            .ToDictionary(module => module.Path[(block.Length + 1)..], module => module.Scale);
        Assert.Equal(new() { ["attn1.to_q"] = 0.5 / 4, ["attn1.to_k"] = 0.25, ["attn1.to_v"] = 2, ["attn2.to_q"] = 0.75 }, scales);
    }

    [Fact]
    public void A_rank_stabilised_LoRA_divides_by_the_root()
    {
        Metadata = new() { ["unet.lora_alpha"] = 8, ["unet.use_rslora"] = true };
        Assert.Equal(4, Assert.Single(Read(Pair($"unet.{Query}", [4, 8], [8, 4]))).Scale);
    }

    [Theory]
    [InlineData("unet.x.lora_alpha", "use_dora", true, "'unet.use_dora' is true")]
    [InlineData("unet.lora_alpha", "alpha_pattern", "x", null)]
    public void Metadata_of_other_adapters_is_refused(string alpha, string key, object value, string? expected)
    {
        Metadata = new() { [alpha] = 8, [$"unet.{key}"] = value };
        if (expected is null)
            Read(Pair($"unet.{Query}", [4, 8], [8, 4]));
        else
            Refuses(expected, Pair($"unet.{Query}", [4, 8], [8, 4]));
    }

    [Fact]
    public void An_alpha_that_is_no_number_is_refused()
    {
        Metadata = new() { ["unet.lora_alpha"] = "8" };
        Refuses("expected a number", Pair($"unet.{Query}", [4, 8], [8, 4]));
        Metadata = new() { ["unet.lora_alpha"] = 8, ["unet.alpha_pattern"] = new Dictionary<string, double> { ["("] = 1 } };
        Refuses("'(' cannot be read", Pair($"unet.{Query}", [4, 8], [8, 4]));
    }

    [Theory]
    [InlineData("hada_w1_a", "is a LoHa")]
    [InlineData("lokr_w1", "is a LoKr")]
    [InlineData("dora_scale", "is a DoRA")]
    [InlineData("lora_mid.weight", "Tucker")]
    [InlineData("oft_blocks", "is an OFT")]
    [InlineData("diff", "whole differences")]
    [InlineData("diff_b", "whole differences")]
    public void Other_kinds_are_refused_by_name(string tensor, string expected) =>
        Refuses(expected, [("lora_unet_mid_block_attentions_0_proj_in." + tensor, [4, 4]), .. Pair($"unet.{Query}", [4, 8], [8, 4])]);

    [Fact]
    public void Shapes_are_compared_with_the_modules()
    {
        Refuses($"the unet module '{Query}' is [8, 8], the factors are [16, 4] and [4, 16], expected [8, rank] and [rank, 8]", Pair($"unet.{Query}", [4, 16], [16, 4]));
        Refuses("the factors are [8, 2] and [4, 8]", Pair($"unet.{Query}", [4, 8], [8, 2]));
        Refuses("[rank, 8, 3, 3]", Pair("unet.down_blocks.0.resnets.0.conv1", [4, 8, 1, 1], [8, 4, 1, 1]));
        Refuses("expected both factors", ($"unet.{Query}.lora_A.weight", [4, 8]));
        Refuses("is [2], expected one finite number", [.. Pair($"unet.{Query}", [4, 8], [8, 4]), ($"unet.{Query}.alpha", [2])]);
        Assert.Single(Read(Pair($"unet.{Query}", [4, 8, 1, 1], [8, 4, 1, 1])));
        Assert.Single(Read(Pair("unet.down_blocks.0.resnets.0.conv1", [4, 8, 3, 3], [8, 4, 1, 1])));
    }

    [Fact]
    public void Names_of_no_module_are_listed()
    {
        Refuses("1 of its 3 tensors are for no module of the model 'tiny': 'lora_unet_joint_blocks_0.alpha'", [.. Pair($"unet.{Query}", [4, 8], [8, 4]), ("lora_unet_joint_blocks_0.alpha", [])]);
        Refuses("are both for", [.. Pair($"unet.{Query}", [4, 8], [8, 4]), ($"{Query}.lora_A.weight", [4, 8])]);
        Refuses("is a control network, expected a LoRA", ("controlnet_cond_embedding.conv_in.weight", [4, 4]));
        Refuses("has no tensors of one, expected a LoRA", ("weight", [4, 4]));
    }

    [Fact]
    public void The_fixtures_of_other_kinds_are_refused()
    {
        Assert.SkipUnless(Fixtures.Has("adapters"), $"No adapters in {Fixtures.Root}.");
        var names = LoraNames.Of("sd1", ModelFolder.Open(Fixtures.Path("models", "sd1")));
        Assert.Contains("is a LoHa", Assert.Throws<ControlNetException>(() => Lora.Read(Fixtures.Path("adapters", "lora-loha.safetensors"), null, names)).Message, StringComparison.Ordinal);
        Assert.Contains(
            "the unet module 'mid_block.attentions.0.transformer_blocks.0.attn1.to_q' is [16, 16], the factors are [32, 4] and [4, 32]",
            Assert.Throws<ControlNetException>(() => Lora.Read(Fixtures.Path("adapters", "lora-other-width.safetensors"), null, names)).Message, StringComparison.Ordinal);
        Assert.Equal(("lora-b-kohya", 89 + 9), (Lora.Read(Fixtures.Path("adapters", "lora-b-kohya.safetensors"), null, names).Name, Lora.Read(Fixtures.Path("adapters", "lora-b-kohya.safetensors"), null, names).Modules.Count));
    }

    private Dictionary<string, object>? Metadata { get; set; }

    private static (string, long[])[] Pair(string module, long[] down, long[] up) => [($"{module}.lora_A.weight", down), ($"{module}.lora_B.weight", up)];

    private void Refuses(string expected, params (string Name, long[] Shape)[] tensors) =>
        Assert.Contains(expected, Assert.Throws<ControlNetException>(() => Read(tensors)).Message, StringComparison.Ordinal);

    /// <summary>Reads a file whose tensors are all 0.5.</summary>
    private IReadOnlyList<LoraModule> Read(params (string Name, long[] Shape)[] tensors)
    {
        var path = Written.To(
            _folder.File("lora.safetensors"),
            tensors.Select(tensor => new TensorContent(tensor.Name, TensorType.F32, tensor.Shape, stream =>
            {
                for (var i = 0; i < tensor.Shape.Aggregate(1L, (product, size) => product * size); i++)
                    stream.Write(BitConverter.GetBytes(0.5f));
            })),
            Metadata is null ? null : new Dictionary<string, string> { ["lora_adapter_metadata"] = JsonSerializer.Serialize(Metadata) });
        return Lora.Read(path, null, LoraNames.Of("tiny", UNet, Text, Text)).Modules;
    }
}
