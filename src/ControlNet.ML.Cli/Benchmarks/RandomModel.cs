using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using ControlNet.ML.Configuration;
using ControlNet.ML.Emoji;
using ControlNet.ML.Torch.Benchmarks;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Cli.Benchmarks;

/// <summary>
/// A model and a control network of released shapes in diffusers' layout, in float16, with random weights that keep activations in range,
/// and the embedded model's vocabulary: what users have on disk, but for the images.
/// </summary>
internal static class RandomModel
{
    /// <summary>The UNet of SDXL: 2,567,463,684 parameters.</summary>
    public static readonly UNetConfig XLUNet = UNetConfig.StableDiffusion15 with
    {
        SampleSize = 128,
        DownBlockTypes = ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
        UpBlockTypes = ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
        BlockOutChannels = [320, 640, 1280],
        TransformerLayersPerBlock = [1, 2, 10],
        AttentionHeadDim = [5, 10, 20],
        CrossAttentionDim = 2048,
        UseLinearProjection = true,
        AdditionEmbedType = "text_time",
        AdditionTimeEmbedDim = 256,
        ProjectionClassEmbeddingsInputDim = 2816,
    };

    /// <summary>Writes both.</summary>
    /// <param name="folder">The folder for the model, and in it <c>controlnet</c>.</param>
    /// <param name="isXL">SDXL rather than Stable Diffusion 1.5.</param>
    public static void Write(string folder, bool isXL)
    {
        var unet = isXL ? XLUNet : UNetConfig.StableDiffusion15;
        foreach (var file in Directory.EnumerateFiles(EmojiModel.Folder, "*", SearchOption.AllDirectories))
        {
            var relative = Path.GetRelativePath(EmojiModel.Folder, file);
            var part = Path.GetDirectoryName(relative);
            if (part is "scheduler" or "tokenizer")
                Copy(file, relative);
            if (part == "tokenizer" && isXL)
                Copy(file, Path.Combine("tokenizer_2", Path.GetFileName(file)));
        }

        var index = JsonNode.Parse(File.ReadAllText(Path.Combine(EmojiModel.Folder, "model_index.json")))!.AsObject();
        if (isXL)
        {
            index["_class_name"] = "StableDiffusionXLPipeline";
            index["text_encoder_2"] = new JsonArray("transformers", "CLIPTextModelWithProjection");
            index["tokenizer_2"] = new JsonArray("transformers", "CLIPTokenizer");
        }

        File.WriteAllText(Path.Combine(folder, "model_index.json"), index.ToJsonString());
        var random = new Random(0);
        var autoencoder = AutoencoderConfig.StableDiffusion15 with { ScalingFactor = isXL ? 0.13025 : 0.18215 };
        Part("unet", unet.ToJson(), KeyMap.For(unet));
        Part("vae", autoencoder.ToJson(), KeyMap.For(autoencoder));
        Part("text_encoder", ClipTextConfig.ClipL.ToJson(), KeyMap.For(ClipTextConfig.ClipL), "model.safetensors");
        if (isXL)
            Part("text_encoder_2", ClipTextConfig.ClipBigG.ToJson(), KeyMap.For(ClipTextConfig.ClipBigG), "model.safetensors");
        var control = ControlNetConfig.FromUNet(unet);
        Part("controlnet", control.ToJson(), KeyMap.For(control));

        void Part(string name, string config, KeyMap map, string weights = "diffusion_pytorch_model.safetensors")
        {
            Directory.CreateDirectory(Path.Combine(folder, name));
            File.WriteAllText(Path.Combine(folder, name, "config.json"), config);
            SafetensorsWriter.Write(
                Path.Combine(folder, name, weights),
                map.Tensors.Select(tensor => new TensorContent(
                    tensor.Name, TensorType.F16, tensor.Shape, stream => LoadBenchmark.Fill(stream, tensor.Shape, Block(tensor)))));
        }

        void Copy(string file, string relative)
        {
            var target = Path.Combine(folder, relative);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }

        // As RandomWeights: matrices and kernels of the scale that keeps the deviation of their inputs, norms of one, biases of zero.
        byte[] Block(TensorLayout tensor)
        {
            var bytes = new byte[1 << 18];
            var values = MemoryMarshal.Cast<byte, Half>(bytes.AsSpan());
            if (tensor.Shape.Length == 1)
            {
                values.Fill(tensor.Name.EndsWith("weight", StringComparison.Ordinal) ? Half.One : Half.Zero);
                return bytes;
            }

            var bound = 1 / Math.Sqrt(tensor.Shape.Skip(1).Aggregate(1d, (product, size) => product * size));
            foreach (ref var value in values)
                value = (Half)(((random.NextDouble() * 2) - 1) * bound);
            return bytes;
        }
    }
}
