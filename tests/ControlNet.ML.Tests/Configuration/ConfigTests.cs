using System.Text;
using System.Text.Json.Nodes;
using ControlNet.ML.Configuration;
using ControlNet.ML.Tests.Weights;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Tests.Configuration;

public class ConfigTests
{
    private static readonly string[] Parts = ["unet", "vae", "text_encoder"];

    public static TheoryData<string> Broken => Fixtures.Cases(
        Fixtures.Has("models", "sd1")
            ? BrokenCases.TextNames("config").Where(name => Parts.Contains((string)BrokenCases.TextCase(name)["part"]!))
            : []);

    public static TheoryData<string> Sound => Fixtures.Cases(
        new[] { Fixtures.Path("models"), Fixtures.Path("weights", "keys"), Fixtures.Path("weights", "layouts"), Fixtures.Path("beyond", "fewer") }.Where(Directory.Exists)
            .SelectMany(folder => Directory.EnumerateFiles(folder, "*config.json", SearchOption.AllDirectories))
            .Select(path => Path.GetRelativePath(Fixtures.Root, path)).Where(path => KindOf(path) is not null).Order(StringComparer.Ordinal));

    /// <summary>Every argument of diffusers' classes: read into the configuration, refused unless it is off, or without effect here.</summary>
    public static TheoryData<string, string, string> Keys => new()
    {
        {
            "unet", "read",
            """
            sample_size:96 in_channels:9 out_channels:8 flip_sin_to_cos:false freq_shift:1 only_cross_attention:true
            layers_per_block:1 downsample_padding:0 mid_block_scale_factor:2 norm_num_groups:16 norm_eps:1e-6
            cross_attention_dim:768 transformer_layers_per_block:2 attention_head_dim:5 num_attention_heads:5
            use_linear_projection:true addition_time_embed_dim:256 projection_class_embeddings_input_dim:2816
            upcast_attention:true time_cond_proj_dim:256 block_out_channels:[64,64,64,64]
            down_block_types:["DownBlock2D","DownBlock2D","DownBlock2D","DownBlock2D"] mid_block_type:null mid_block_type:"UNetMidBlock2D"
            up_block_types:["UpBlock2D","UpBlock2D","UpBlock2D","UpBlock2D"]
            """
        },
        {
            "unet", "refused",
            """
            act_fn:"gelu" mid_block_type:"UNetMidBlock2DSimpleCrossAttn" addition_embed_type:"text" center_input_sample:true dropout:0.1
            class_embed_type:"timestep" num_class_embeds:10 class_embeddings_concat:true conv_in_kernel:1 conv_out_kernel:1
            attention_type:"gated" cross_attention_norm:"layer_norm" dual_cross_attention:true encoder_hid_dim:32
            encoder_hid_dim_type:"text_proj" mid_block_only_cross_attention:true resnet_out_scale_factor:2
            resnet_skip_time_act:true resnet_time_scale_shift:"scale_shift" reverse_transformer_layers_per_block:[1]
            time_embedding_type:"fourier" time_embedding_dim:32 time_embedding_act_fn:"silu" timestep_post_act:"silu"
            """
        },
        {
            "unet", "without effect",
            """
            addition_embed_type_num_heads:32 _diffusers_version:"0.1" _name_or_path:"x"
            """
        },
        {
            "controlnet", "read",
            """
            in_channels:9 conditioning_channels:1 flip_sin_to_cos:false freq_shift:1 only_cross_attention:true layers_per_block:1
            downsample_padding:0 mid_block_scale_factor:2 norm_num_groups:16 norm_eps:1e-6 cross_attention_dim:768
            transformer_layers_per_block:2 transformer_layers_per_block:[0,0,0,0] attention_head_dim:5 num_attention_heads:5
            use_linear_projection:true mid_block_type:"UNetMidBlock2D"
            addition_time_embed_dim:256 projection_class_embeddings_input_dim:2816 upcast_attention:true
            controlnet_conditioning_channel_order:"bgr" conditioning_embedding_out_channels:[8,16] global_pool_conditions:true
            """
        },
        {
            "controlnet", "refused",
            """
            act_fn:"gelu" mid_block_type:"UNetMidBlock2DSimpleCrossAttn" mid_block_type:null addition_embed_type:"text" class_embed_type:"timestep"
            num_class_embeds:10 encoder_hid_dim:32 encoder_hid_dim_type:"text_proj" resnet_time_scale_shift:"scale_shift"
            """
        },
        {
            "controlnet", "without effect",
            """
            addition_embed_type_num_heads:32 sample_size:32 out_channels:4 up_block_types:[]
            """
        },
        {
            "vae", "read",
            """
            in_channels:4 out_channels:4 block_out_channels:[32] layers_per_block:2 latent_channels:8 norm_num_groups:16
            sample_size:64 scaling_factor:0.5 shift_factor:0.1 use_quant_conv:false use_post_quant_conv:false
            mid_block_add_attention:false force_upcast:false
            """
        },
        {
            "vae", "refused",
            """
            act_fn:"gelu" down_block_types:["X"] up_block_types:["X"] latents_mean:[0.1] latents_std:[1]
            """
        },
        {
            "text_encoder", "read",
            """
            vocab_size:10 hidden_size:64 intermediate_size:64 num_hidden_layers:2 num_attention_heads:4 max_position_embeddings:12
            hidden_act:"gelu" layer_norm_eps:1e-6 projection_dim:32 eos_token_id:9 bos_token_id:8 pad_token_id:7
            """
        },
        {
            "text_encoder", "refused",
            """
            model_type:"bert" hidden_act:"relu" architectures:["BertModel"]
            """
        },
        {
            "text_encoder", "without effect",
            """
            dropout:0.1 attention_dropout:0.1 initializer_factor:2 initializer_range:0.1 torch_dtype:"float16" dtype:"float16"
            transformers_version:"5" use_cache:false return_dict:false output_attentions:true output_hidden_states:true
            """
        },
    };

    [Theory, MemberData(nameof(Broken)), Trait("Category", "Parity")]
    public void Broken_configurations_get_the_answer_they_deserve(string name)
    {
        Fixtures.SkipIfNothing(name, "broken configurations");
        var item = BrokenCases.TextCase(name);
        var part = (string)item["part"]!;
        var folder = Fixtures.Path("models", "sd1", part);
        var json = BrokenCases.Patched(item["patch"]!.AsObject(), Path.Combine(folder, "config.json"));

        // Some are sound by themselves and do not fit the weights: that must be found before anything is computed.
        BrokenCases.Check(item, part + "/", () =>
        {
            var map = part switch
            {
                "unet" => KeyMap.For(UNetConfig.Parse(json, "unet/config.json")),
                "vae" => KeyMap.For(AutoencoderConfig.Parse(json, "vae/config.json")),
                _ => KeyMap.For(ClipTextConfig.Parse(json, "text_encoder/config.json")),
            };
            using var source = WeightSource.Open(folder, part switch { "unet" => NetworkKind.UNet, "vae" => NetworkKind.Autoencoder, _ => NetworkKind.TextEncoder });
            WeightLoader.Match(source, map);
        });
    }

    [Theory, MemberData(nameof(Sound)), Trait("Category", "Parity")]
    public void Configurations_keep_every_value_through_a_round_trip(string name)
    {
        Fixtures.SkipIfNothing(name, "configurations");
        var bytes = File.ReadAllBytes(Path.Combine(Fixtures.Root, name));
        var (written, warnings, same) = KindOf(name) switch
        {
            "UNet2DConditionModel" => Trip(UNetConfig.Parse(bytes, name), config => config.ToJson(), UNetConfig.Parse, config => config.Warnings),
            "ControlNetModel" => Trip(ControlNetConfig.Parse(bytes, name), config => config.ToJson(), ControlNetConfig.Parse, config => config.Warnings),
            "AutoencoderKL" => Trip(AutoencoderConfig.Parse(bytes, name), config => config.ToJson(), AutoencoderConfig.Parse, config => config.Warnings),
            _ => Trip(ClipTextConfig.Parse(bytes, name), config => config.ToJson(), ClipTextConfig.Parse, config => config.Warnings),
        };
        Assert.True(same);
        Assert.Empty(warnings);
        var original = JsonNode.Parse(bytes)!.AsObject();
        foreach (var (key, value) in JsonNode.Parse(written)!.AsObject().Where(pair => original.ContainsKey(pair.Key)))
            Assert.True(JsonNode.DeepEquals(Expanded(original[key]), Expanded(value)), $"{key}: {value}, expected {original[key]}");
    }

    [Fact]
    public void The_configurations_in_code_are_those_of_the_released_files()
    {
        Assert.SkipUnless(Fixtures.Has("weights", "keys", "sd15.unet.config.json"), $"No configurations in {Fixtures.Root}.");
        Assert.Equal(UNetConfig.Parse(Released("sd15.unet"), "unet"), UNetConfig.StableDiffusion15);
        Assert.Equal(ControlNetConfig.Parse(Released("sd15.controlnet"), "controlnet"), ControlNetConfig.StableDiffusion15);
        Assert.Equal(AutoencoderConfig.Parse(Released("sd15.vae"), "vae"), AutoencoderConfig.StableDiffusion15);
        Assert.Equal(ClipTextConfig.Parse(Released("sd15.text_encoder"), "text"), ClipTextConfig.ClipL);
        Assert.NotEqual(AutoencoderConfig.StableDiffusion15, AutoencoderConfig.StableDiffusion15 with { ScalingFactor = 0.13025 });
    }

    [Theory]
    [InlineData("sd15")]
    [InlineData("sd21")]
    [InlineData("sdxl")]
    public void A_control_network_copies_its_UNets_encoder(string family)
    {
        Assert.SkipUnless(Fixtures.Has("weights", "keys", family + ".unet.config.json"), $"No configurations in {Fixtures.Root}.");
        var copy = ControlNetConfig.FromUNet(UNetConfig.Parse(Released(family + ".unet"), "unet"));
        Assert.Equal(ControlNetConfig.Parse(Released(family + ".controlnet"), "controlnet"), copy);
        Assert.Equal(family == "sdxl" ? 9 : 12, copy.DownResiduals);
        Assert.Equal(8, copy.ConditionScale);
    }

    [Fact]
    public void Single_numbers_stand_for_all_levels_and_mean_heads()
    {
        var config = Parse("""{"block_out_channels": [64, 128], "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"], "up_block_types": ["UpBlock2D", "CrossAttnUpBlock2D"], "attention_head_dim": 4, "transformer_layers_per_block": 2}""");
        Assert.Equal([4, 4], config.HeadsPerLevel);
        Assert.Equal([2, 2], config.TransformerLayersPerBlock);
        Assert.Equal(256, config.TimeEmbedDim);
        Assert.Equal([2, 2, 2, 16], Parse("""{"attention_head_dim": 8, "num_attention_heads": [2, 2, 2, 16]}""").HeadsPerLevel);
        Assert.Equal("silu", Parse("""{"act_fn": "swish"}""").ActFn);
    }

    [Theory]
    [InlineData("""{"class_embed_type": "timestep"}""", "'class_embed_type' is the string \"timestep\"; only null is supported")]
    [InlineData("""{"encoder_hid_dim": 32}""", "'encoder_hid_dim' is 32")]
    [InlineData("""{"layers_per_block": [2, 2, 3, 2]}""", "'layers_per_block'")]
    [InlineData("""{"in_channels": "4"}""", "unet/config.json: 'in_channels' is the string \"4\", expected a whole number")]
    [InlineData("""{"norm_eps": 1e999}""", "'norm_eps' is 1e999, expected a finite number")]
    [InlineData("""{"attention_head_dim": 7}""", "the channels of level 0")]
    [InlineData("""{"transformer_layers_per_block": [0, 0, -1, 0]}""", "unet/config.json: 'transformer_layers_per_block' is -1, expected 0 to 32")]
    [InlineData("""{"mid_block_type": "MidBlock"}""", "unet/config.json: 'mid_block_type' is 'MidBlock', expected 'UNetMidBlock2DCrossAttn' or 'UNetMidBlock2D'")]
    [InlineData("""{"mid_block_type": 2}""", "unet/config.json: 'mid_block_type' is 2, expected a string")]
    [InlineData("""{"addition_embed_type": "text_time"}""", "'addition_time_embed_dim'")]
    [InlineData("""{"in_channels": 4, "in_channels": 8}""", "in_channels")]
    [InlineData("""version https://git-lfs.github.com/spec/v1""", "Git LFS")]
    public void Messages_say_key_value_and_what_was_expected(string json, string expected) =>
        Assert.Contains(expected, Assert.Throws<ControlNetException>(() => Parse(json)).Message, StringComparison.Ordinal);

    [Fact]
    public void Unknown_keys_are_ignored_with_a_warning() =>
        Assert.Equal(["unet/config.json: the unknown key 'my_own_key' is ignored."], Parse("""{"my_own_key": 5}""").Warnings);

    [Theory]
    [MemberData(nameof(Keys))]
    public void Each_key_is_read_or_refused_or_known_to_change_nothing(string part, string what, string keys)
    {
        foreach (var (key, json) in keys.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Select(entry => (entry.Split(':')[0], $"{{\"{entry.Split(':')[0]}\": {entry.Split(':', 2)[1]}}}")))
        {
            if (what == "refused")
            {
                Assert.Contains($"'{key}'", Assert.Throws<ControlNetException>(() => ToJson(part, json)).Message);
                continue;
            }

            var (written, warnings) = ToJson(part, json);
            Assert.Empty(warnings);
            Assert.True(what == "read" == (written != ToJson(part, "{}").Written), $"{part}: {key}");
        }

        static (string Written, IReadOnlyList<string> Warnings) ToJson(string part, string json)
        {
            var bytes = Encoding.UTF8.GetBytes(json);
            switch (part)
            {
                case "unet":
                    var unet = UNetConfig.Parse(bytes, part);
                    return (unet.ToJson(), unet.Warnings);
                case "controlnet":
                    var control = ControlNetConfig.Parse(bytes, part);
                    return (control.ToJson(), control.Warnings);
                case "vae":
                    var vae = AutoencoderConfig.Parse(bytes, part);
                    return (vae.ToJson(), vae.Warnings);
                default:
                    var text = ClipTextConfig.Parse(bytes, part);
                    return (text.ToJson(), text.Warnings);
            }
        }
    }

    [Fact]
    public void Heads_have_to_divide_channels_only_where_there_is_attention()
    {
        const string plain = """{"down_block_types": ["DownBlock2D", "DownBlock2D", "DownBlock2D", "DownBlock2D"], "attention_head_dim": [7, 7, 7, 7], "mid_block_type": "MIDDLE"}""";
        Assert.False(ControlNetConfig.Parse(Encoding.UTF8.GetBytes(plain.Replace("MIDDLE", "UNetMidBlock2D")), "x").AttendsToText);
        Assert.Contains("the channels of level 3", Assert.Throws<ControlNetException>(() => ControlNetConfig.Parse(Encoding.UTF8.GetBytes(plain.Replace("MIDDLE", "UNetMidBlock2DCrossAttn")), "x")).Message);
    }

    [Fact]
    public void Only_layers_in_an_attention_attend_to_the_text()
    {
        var full = ControlNetConfig.StableDiffusion15;
        Assert.True(full.AttendsToText);
        Assert.True((full with { TransformerLayersPerBlock = [0, 1, 0, 0] }).AttendsToText);
        Assert.True((full with { TransformerLayersPerBlock = [0, 0, 0, 1] }).AttendsToText);
        Assert.False((full with { TransformerLayersPerBlock = [0, 0, 0, 0] }).AttendsToText);
        Assert.False((full with { TransformerLayersPerBlock = [0, 0, 0, 1], MidBlockType = "UNetMidBlock2D" }).AttendsToText);
        Assert.False((full with { Lite = true }).AttendsToText);
    }

    [Fact]
    public void A_refiner_is_refused()
    {
        var json = File.ReadAllText(Fixtures.Path("models", "sdxl", "model_index.json"));
        Assert.True(ModelIndex.Parse(Encoding.UTF8.GetBytes(("{\"requires_aesthetics_score\": false, \"depth_estimator\": [null, null], " + json.TrimStart()[1..])), "x").IsXL);
        Assert.Contains("'requires_aesthetics_score' is true", Assert.Throws<ControlNetException>(() => ModelIndex.Parse(Encoding.UTF8.GetBytes(("{\"requires_aesthetics_score\": true, " + json.TrimStart()[1..])), "x")).Message);
    }

    [Fact]
    public void A_configuration_made_in_code_is_checked_when_it_is_used()
    {
        var error = Assert.Throws<ControlNetException>(() => KeyMap.For(new ControlNetConfig { BlockOutChannels = [32, 64] }));
        Assert.Contains("'down_block_types' is a list of 4, expected 2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Latent_means_are_refused() =>
        Assert.Throws<ControlNetException>(() => AutoencoderConfig.Parse("""{"latents_mean": [0.1]}"""u8, "vae/config.json"));

    [Fact]
    public void The_projection_is_seen_from_the_architecture()
    {
        Assert.True(ClipTextConfig.Parse("""{"architectures": ["CLIPTextModelWithProjection"], "torch_dtype": "float16"}"""u8, "x").HasProjection);
        Assert.False(ClipTextConfig.Parse("""{"architectures": ["CLIPTextModel"], "dtype": "float16"}"""u8, "x").HasProjection);
        Assert.Throws<ControlNetException>(() => ClipTextConfig.Parse("""{"architectures": ["T5EncoderModel"]}"""u8, "x"));
    }

    private static UNetConfig Parse(string json) => UNetConfig.Parse(Encoding.UTF8.GetBytes(json), "unet/config.json");

    private static byte[] Released(string name) => File.ReadAllBytes(Fixtures.Path("weights", "keys", name + ".config.json"));

    private delegate T Parser<T>(ReadOnlySpan<byte> json, string source);

    private static (string Written, IReadOnlyList<string> Warnings, bool Same) Trip<T>(T config, Func<T, string> write, Parser<T> parse, Func<T, IReadOnlyList<string>> warnings)
        where T : IEquatable<T> =>
        (write(config), warnings(config), parse(Encoding.UTF8.GetBytes(write(config)), "again").Equals(config));

    /// <summary>A list of equal numbers says the same as the number.</summary>
    private static JsonNode? Expanded(JsonNode? node) =>
        node is JsonArray { Count: > 0 } list && list.All(item => JsonNode.DeepEquals(item, list[0])) ? list[0] : node;

    private static string? KindOf(string path)
    {
        var root = JsonNode.Parse(File.ReadAllText(Path.Combine(Fixtures.Root, path)))!.AsObject();
        return (string?)root["_class_name"] is { } name
            ? (name.Contains("Model", StringComparison.Ordinal) || name == "AutoencoderKL" ? name : null)
            : (string?)root["model_type"];
    }
}
