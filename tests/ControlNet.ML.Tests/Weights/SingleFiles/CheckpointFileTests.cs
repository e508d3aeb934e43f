using System.Text.Json.Nodes;
using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Tests.Weights.SingleFiles;

/// <summary>Base models in single files.</summary>
public sealed class CheckpointFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Files => Fixtures.Cases(
        Fixtures.Has("weights", "expected.json")
            ? Expected().Where(pair => pair.Value!["holds"]!["unet"] is not null && Fixtures.Has("weights", pair.Key)).Select(pair => pair.Key)
            : []);

    public static TheoryData<string> Families => Fixtures.Cases(Fixtures.Has("weights", "keys", "counts.json") ? ["sd15", "sd21", "sdxl"] : []);

    public void Dispose() => _folder.Dispose();

    [Theory, MemberData(nameof(Files)), Trait("Category", "Parity")]
    public void Every_part_has_the_bits_of_its_source(string name)
    {
        Fixtures.SkipIfNothing(name, "single files");
        var holds = Expected()[name]!["holds"]!.AsObject();
        var isHalf = (string)Expected()[name]!["dtype"]! == "float16";
        var config = Fixtures.Path(((string)holds["unet"]!)[..^"/unet".Length].Split('/'));
        var model = ModelFolder.Open(Fixtures.Path("weights", name), new LoadOptions { Config = config, Vae = holds.ContainsKey("vae") ? null : config });
        Assert.True(model.IsSingleFile);
        foreach (var (part, source) in holds)
        {
            var reference = new ReferenceTensors(Directory.EnumerateFiles(Fixtures.Path(((string)source!).Split('/')), "*.safetensors").Single());
            using var weights = model.OpenWeights(part);
            Assert.Equal(reference.Names.Order(StringComparer.Ordinal), weights.Tensors.Keys.Order(StringComparer.Ordinal));
            foreach (var tensor in weights.Tensors.Values)
            {
                Assert.Equal(reference.Shape(tensor.Name), tensor.Shape.Select(size => (int)size));
                var values = new float[tensor.Count];
                tensor.CopyTo(values);
                Assert.Equal(reference.Floats(tensor.Name).Select(value => isHalf ? (float)(Half)value : value), values);

                // In pieces and as bytes, too: a transposed or fused tensor is no range of the file.
                var half = new float[tensor.Count / 2];
                tensor.CopyTo(tensor.Count - half.Length, half);
                Assert.Equal(values[^half.Length..], half);
                using var bytes = new MemoryStream();
                tensor.WriteTo(bytes);
                Assert.Equal(tensor.ByteLength, bytes.Length);
                if (isHalf)
                    Assert.Equal(values, System.Runtime.InteropServices.MemoryMarshal.Cast<byte, Half>(bytes.ToArray()).ToArray().Select(value => (float)value));
            }
        }
    }

    [Theory, MemberData(nameof(Families)), Trait("Category", "Parity")]
    public void A_full_size_model_is_recognised_by_its_tensors_alone(string family)
    {
        Fixtures.SkipIfNothing(family, "key lists");
        var isXL = family == "sdxl";
        string[] lists =
        [
            $"{family}.unet", "sd15.vae", $"{family}.text_encoder", .. isXL ? ["sdxl.text_encoder_2"] : Array.Empty<string>(),
            .. family == "sd15" ? ["sd15.schedule"] : Array.Empty<string>(),
        ];
        var path = Written.Sparse(_folder.File("model.safetensors"), lists.SelectMany(Keys));

        var model = ModelFolder.Open(path);
        Assert.Equal(Config("unet", UNetConfig.Parse), model.UNet);
        Assert.Equal(Config("text_encoder", ClipTextConfig.Parse), model.TextEncoder);
        Assert.Equal(isXL ? Config("text_encoder_2", ClipTextConfig.Parse) with { HasProjection = true } : null, model.TextEncoder2);
        Assert.Equal(Config("vae", AutoencoderConfig.Parse) with { SampleSize = model.Autoencoder.SampleSize }, model.Autoencoder);
        Assert.Equal(isXL ? 0.13025 : 0.18215, model.Autoencoder.ScalingFactor);
        model.CheckWeights();
        foreach (var tokenizer in model.ReadTokenizers())
            Assert.Equal(77, tokenizer.MaxLength);

        var scheduler = model.ReadScheduler();
        Assert.Equal(family switch { "sd15" => "PNDMScheduler", "sd21" => "DDIMScheduler", _ => "EulerDiscreteScheduler" }, scheduler.ClassName);
        Assert.Equal(family == "sd21" ? PredictionType.Velocity : PredictionType.Epsilon, scheduler.PredictionType);
        Assert.Equal(family switch { "sd15" => 512, "sd21" => 768, _ => 1024 }, model.NativeSize);

        T Config<T>(string part, Parser<T> parse) => parse(File.ReadAllBytes(Fixtures.Path("weights", "keys", $"{family}.{part}.config.json")), part);
    }

    [Fact]
    public void What_a_plain_2_model_predicts_can_be_said_by_option_metadata_mark_or_yaml()
    {
        string[] lists = ["sd21.unet", "sd15.vae", "sd21.text_encoder"];
        var keys = lists.SelectMany(Keys).ToList();
        var path = Written.Sparse(_folder.File("base.safetensors"), keys);
        Assert.Equal(PredictionType.Velocity, Scheduler(path).PredictionType);
        Assert.Equal(PredictionType.Epsilon, Scheduler(path, PredictionType.Epsilon).PredictionType);
        Assert.Equal(512, ModelFolder.Open(path, new LoadOptions { PredictionType = PredictionType.Epsilon }).NativeSize);
        File.WriteAllText(_folder.File("base.yaml"), "model:\n  params:\n    linear_start: 0.00085\n");
        Assert.Equal(PredictionType.Epsilon, Scheduler(path).PredictionType);
        File.WriteAllText(_folder.File("base.yaml"), "model:\n  params:\n    parameterization: \"v\"\n");
        Assert.Equal(PredictionType.Velocity, Scheduler(path).PredictionType);

        string[] first = ["sd15.unet", "sd15.vae", "sd15.text_encoder"];
        var marked = Written.Sparse(_folder.File("marked.safetensors"), [.. first.SelectMany(Keys), ("v_pred", []), ("ztsnr", [])]);
        Assert.Equal(PredictionType.Velocity, Scheduler(marked).PredictionType);
        Assert.True(Scheduler(marked).RescaleBetasZeroSnr);

        static SchedulerConfig Scheduler(string path, PredictionType? prediction = null) =>
            ModelFolder.Open(path, new LoadOptions { PredictionType = prediction }).ReadScheduler();
    }

    [Fact]
    public void Models_for_inpainting_and_depth_have_more_input_channels()
    {
        foreach (var (channels, task) in new[] { (9, ModelTask.Inpainting), (5, ModelTask.DepthToImage) })
        {
            string[] lists = ["sd21.unet", "sd15.vae", "sd21.text_encoder"];
            var path = Written.Sparse(
                _folder.File($"{channels}.safetensors"),
                lists.SelectMany(Keys).Select(key => key.Name.EndsWith("input_blocks.0.0.weight", StringComparison.Ordinal) ? (key.Name, [320, channels, 3, 3]) : key));
            var model = ModelFolder.Open(path);
            Assert.Equal(task, model.Task);
            Assert.Equal(PredictionType.Epsilon, model.ReadScheduler().PredictionType);
        }
    }

    [Fact]
    public void A_part_that_was_pruned_is_named_with_the_option_that_supplies_it()
    {
        var path = Written.Sparse(_folder.File("pruned.safetensors"), Keys("sd15.unet").Concat(Keys("sd15.text_encoder")));
        Says("pruned.safetensors: this model was pruned of its VAE: give one with --vae (LoadOptions.Vae).", () => ModelFolder.Open(path));
        Assert.Equal(ModelParts.UNet, ModelFolder.Open(path, parts: ModelParts.UNet).Loaded);
        Written.Sparse(_folder.File("unet.safetensors"), Keys("sd15.unet"));
        Says("pruned of its VAE, text encoder: give a model folder that has them with --config", () => ModelFolder.Open(_folder.File("unet.safetensors")));

        // One option each: a VAE in the original naming, whose file has no prefix.
        var vae = Written.Sparse(_folder.File("vae.safetensors"), Keys("sd15.vae").Select(key => (key.Name["first_stage_model.".Length..], key.Shape)));
        var model = ModelFolder.Open(path, new LoadOptions { Vae = vae });
        model.CheckWeights();
        Assert.Equal(vae, model.PartFiles("vae").Single());
        Says("is a LoRA; expected a VAE", () => ModelFolder.Open(path, new LoadOptions { Vae = Written.To(_folder.File("lora.safetensors"), [TensorContent.FromFloats("lora_unet_a.lora_down.weight", new float[1], 1)]) }));
    }

    [Fact]
    public void Averaged_weights_are_used_when_they_are_asked_for()
    {
        var config = Fixtures.Path("models", "sd1");
        using var file = TensorFile.Open(Fixtures.Path("weights", "sd1-fp16.safetensors"));
        var tensors = file.Entries.Values.Select(entry => TensorContent.FromBytes(entry.Name, entry.Type, entry.Shape, file.Bytes(entry.Name).ToArray())).ToList();
        var averaged = file.Entries.Values.Where(entry => entry.Name.StartsWith("model.diffusion_model.", StringComparison.Ordinal)).Select(entry => TensorContent.FromFloats(
            "model_ema." + entry.Name["model.".Length..].Replace(".", "", StringComparison.Ordinal), Enumerable.Repeat(0.5f, (int)entry.Count).ToArray(), entry.Shape));
        var path = Written.To(_folder.File("averaged.safetensors"), [.. tensors, .. averaged, TensorContent.FromFloats("model_ema.decay", new float[1])]);
        Assert.NotEqual(0.5f, First(new LoadOptions { Config = config }));
        Assert.Equal(0.5f, First(new LoadOptions { Config = config, ExtractEma = true }));
        Says("has no averaged weights", () => ModelFolder.Open(file.Path, new LoadOptions { Config = config, ExtractEma = true }));

        float First(LoadOptions options)
        {
            using var weights = ModelFolder.Open(path, options).OpenWeights("unet");
            WeightLoader.Match(weights, KeyMap.For(ModelFolder.Open(config).UNet));
            var values = new float[weights.Tensors["conv_in.weight"].Count];
            weights.Tensors["conv_in.weight"].CopyTo(values);
            return values[0];
        }
    }

    [Fact]
    public void What_is_no_base_model_is_named()
    {
        Says("is a control network; expected a base model", () => ModelFolder.Open(Fixtures.Path("weights", "control_sd1.pth")));
        Says("contains no base model of Stable Diffusion", () => ModelFolder.Open(Written.To(_folder.File("x.safetensors"), [TensorContent.FromFloats("a", new float[1], 1)])));
        Says(
            "is SDXL's refiner, which is not supported",
            () => ModelFolder.Open(Written.Sparse(_folder.File("refiner.safetensors"), [.. Keys("sdxl.unet"), ("conditioner.embedders.0.model.ln_final.weight", [1280])])));
        Says("is not of the family", () => ModelFolder.Open(Fixtures.Path("weights", "sdxl.safetensors"), new LoadOptions { Config = Fixtures.Path("models", "sd1") }));
        Says("cannot be inferred from its tensors", () => ModelFolder.Open(Fixtures.Path("weights", "sd2-v.safetensors"), new LoadOptions { Vae = Fixtures.Path("models", "sd2-v") }));
    }

    [Fact]
    public void A_folder_takes_no_options_of_single_files()
    {
        var folder = Fixtures.Path("models", "sd1");
        Says("is a model folder, which has its own settings; --config", () => ModelFolder.Open(folder, new LoadOptions { Config = folder }));
        Says("--prediction-type (LoadOptions.PredictionType) is for models in a single file", () => ModelFolder.Open(folder, new LoadOptions { PredictionType = PredictionType.Epsilon }));
        Says("--extract-ema", () => ModelFolder.Open(folder, new LoadOptions { ExtractEma = true }));
    }

    [Fact]
    public void A_text_projection_that_is_no_matrix_is_our_error()
    {
        using var file = TensorFile.Open(Fixtures.Path("weights", "sdxl.safetensors"));
        var path = Written.To(_folder.File("x.safetensors"), file.Entries.Values.Select(entry => TensorContent.FromBytes(
            entry.Name, entry.Type, entry.Name.EndsWith("text_projection", StringComparison.Ordinal) ? [entry.Count] : entry.Shape, file.Bytes(entry.Name).ToArray())).ToList());
        var options = new LoadOptions { Config = Fixtures.Path("models", "sdxl"), Vae = Fixtures.Path("models", "sdxl") };
        Says("text_projection' is [", () => ModelFolder.Open(path, options).CheckWeights());
    }

    [Fact]
    public void The_only_file_of_a_folder_is_used_and_said_and_of_two_both_are_named()
    {
        Directory.CreateDirectory(_folder.File("one"));
        string[] lists = ["sd15.unet", "sd15.vae", "sd15.text_encoder"];
        Written.Sparse(_folder.File("one", "dreams.safetensors"), lists.SelectMany(Keys));
        var model = ModelFolder.Open(_folder.File("one"));
        Assert.True(model.IsSingleFile);
        Assert.Contains("its only weight file is used: dreams.safetensors", model.Warnings.Single(), StringComparison.Ordinal);
        Written.Sparse(_folder.File("one", "other.ckpt"), []);
        Says("several weight files, expected one of them to be named: 'dreams.safetensors', 'other.ckpt'", () => ModelFolder.Open(_folder.File("one")));
    }

    [Theory]
    [InlineData("control_sd1.pth")]
    [InlineData("control_sd1_bare_legacy.pth")]
    public void Control_networks_are_read_from_torch_s_containers(string name)
    {
        var folder = ControlFolder.Open(Fixtures.Path("models", "sd1-control-a"));
        using var reference = folder.OpenWeights();
        using var weights = ControlFile.Open(Fixtures.Path("weights", name), folder.Config).OpenWeights();
        foreach (var (expected, tensor) in WeightLoader.Match(reference, KeyMap.For(folder.Config)).Zip(WeightLoader.Match(weights, KeyMap.For(folder.Config))))
        {
            var (source, values) = (new float[expected.Count], new float[tensor.Count]);
            expected.CopyTo(source);
            tensor.CopyTo(values);
            Assert.Equal(source.Select(value => (float)(Half)value), values);
        }
    }

    private delegate T Parser<T>(ReadOnlySpan<byte> json, string source);

    private static JsonObject Expected() => JsonNode.Parse(File.ReadAllText(Fixtures.Path("weights", "expected.json")))!.AsObject();

    private static IEnumerable<(string Name, long[] Shape)> Keys(string list) =>
        JsonNode.Parse(File.ReadAllText(Fixtures.Path("weights", "keys", list + ".original.json")))!.AsObject()
            .Select(pair => (pair.Key, pair.Value!.AsArray().Select(size => (long)size!).ToArray()));

    private static void Says(string message, Action open) =>
        Assert.Contains(message, Assert.Throws<ControlNetException>(open).Message, StringComparison.Ordinal);
}
