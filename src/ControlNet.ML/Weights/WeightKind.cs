using System.Text.RegularExpressions;

namespace ControlNet.ML.Weights;

/// <summary>
/// The kind of network that weights are of, recognised by the names and shapes of their tensors: never by the name of a file, since the
/// files of all kinds are called <c>model.safetensors</c> somewhere.
/// </summary>
/// <param name="Words">The kind with its article: <c>a LoRA</c>.</param>
/// <param name="Network">The same if it is supported; else null.</param>
/// <param name="IsBaseModel">Whether it is a base model with several parts.</param>
internal sealed partial record WeightKind(string Words, NetworkKind? Network = null, bool IsBaseModel = false)
{
    private const string ControlTransformer = "a control network of a diffusion transformer (FLUX, Stable Diffusion 3)";
    private const string Transformer = "a diffusion transformer (FLUX, Stable Diffusion 3)";

    // In this order: an IP-Adapter may have LoRA layers, and a LoRA's names contain those of the network that it changes.
    private static readonly (WeightKind Kind, Func<Names, bool> Fits)[] Kinds =
    [
        (new("a Control-LoRA, which needs a UNet that is not in the file"), names => names.Has("lora_controlnet")),
        (new("an IP-Adapter"), names => names.Begin("image_proj.") || names.Begin("ip_adapter.")),
        (new("a ControlNet-LLLite"), names => names.Begin("lllite_")),
        (new("a LoRA"), names => names.Any(LoraName())),
        (new("a ControlNet-Union"), names => names.IsControl && names.Has("task_embedding")),
        (new("a control network", NetworkKind.ControlNetwork), names => names.IsControl),
        (new(ControlTransformer), names => names.Begin("controlnet_x_embedder.") || names.Begin("controlnet_blocks.")),
        (new("a T2I-Adapter"), names => names.Any(AdapterName())),
        (new("an AnimateDiff motion module"), names => names.Any(MotionName())),
        (new(Transformer), names => names.Any(TransformerName())),
        (new("a base checkpoint", IsBaseModel: true), names => names.Begin(KeyMap.UNetPrefix)
            && (names.Begin(KeyMap.AutoencoderPrefix) || names.Begin("cond_stage_model.") || names.Begin("conditioner."))),
        (new("a UNet in the original naming", NetworkKind.UNet), names => names.Begin(KeyMap.UNetPrefix)),
        (new("a UNet", NetworkKind.UNet), names => names.Has("conv_in.weight") && names.Has("time_embedding.linear_1.weight")
            && names.Begin("up_blocks.")),
        (new("a VAE", NetworkKind.Autoencoder), names => names.IsAutoencoder("") || names.IsAutoencoder(KeyMap.AutoencoderPrefix)),
        (new("a tiny VAE (TAESD)"), names => names.Begin("decoder.layers.") && names.Begin("encoder.layers.0.weight")),
        (new("a CLIP model of text and images"), names => names.Begin("vision_model.") && names.Begin("text_model.")),
        (new("a CLIP image encoder"), names => names.Begin("vision_model.")),
        (new("a T5 text encoder"), names => names.Begin("encoder.block.0.layer.0.SelfAttention.")),
        (new("a text encoder", NetworkKind.TextEncoder), names => names.Any(TextName())),
        (new("an upscaler (ESRGAN)"), names => names.Any(UpscalerName())),
        (new("a textual inversion"), names => names.IsEmbedding),
    ];

    /// <summary>Recognises an open file; null if it is none of the known kinds.</summary>
    public static WeightKind? Recognise(TensorFile file) =>
        Recognise(file.Entries.ToDictionary(entry => entry.Key, entry => entry.Value.Shape));

    /// <summary>Recognises weights; null if they are none of the known kinds.</summary>
    /// <param name="shapes">The tensors' shapes by their names in the file.</param>
    public static WeightKind? Recognise(IReadOnlyDictionary<string, long[]> shapes)
    {
        var names = new Names(shapes);
        return Kinds.FirstOrDefault(kind => kind.Fits(names)).Kind;
    }

    // kohya: lora_unet_….lora_down.weight; diffusers: ….lora_A.weight, ….lora.down.weight, ….to_q_lora.down.weight; LyCORIS: hada, lokr,
    // oft.
    [GeneratedRegex(@"^lora_(unet|te\d?|prior)_|[._]lora[._]?(up|down|A|B|linear_layer)\.|\.(hada_w1|lokr_w1|oft_blocks|dora_scale)")]
    private static partial Regex LoraName();

    // TencentARC's (body.0.block1.weight) and diffusers' (adapter.body.0.resnets.0.block1.weight).
    [GeneratedRegex(@"^(adapter\.)?body\.\d+\.(resnets\.\d+\.)?block1\.weight$")]
    private static partial Regex AdapterName();

    [GeneratedRegex(@"\.motion_modules\.\d+\.")]
    private static partial Regex MotionName();

    [GeneratedRegex(@"^(model\.diffusion_model\.)?(double_blocks|joint_blocks|transformer_blocks|single_transformer_blocks)\.0\.")]
    private static partial Regex TransformerName();

    [GeneratedRegex(@"(^|\.)(embeddings\.token_embedding\.weight|transformer\.resblocks\.0\.)")]
    private static partial Regex TextName();

    [GeneratedRegex(@"\.(rdb|RDB)1\.conv1\.")]
    private static partial Regex UpscalerName();

    private sealed class Names(IReadOnlyDictionary<string, long[]> shapes)
    {
        /// <summary>The widths of the text encoders of SD1, SD2, and SDXL's second one.</summary>
        private static readonly long[] TextWidths = [768, 1024, 1280];

        public bool IsControl => Has("controlnet_cond_embedding.conv_in.weight")
            || Has("input_hint_block.0.weight") || Has(KeyMap.ControlPrefix + "input_hint_block.0.weight")
            || Has(KeyMap.ControlPrefix + "controlnet_cond_embedding.conv_in.weight");

        /// <summary>Only a few vectors of a text encoder's width, under the name of a token or those of A1111's format.</summary>
        public bool IsEmbedding => Has("emb_params") || Begin("string_to_param.") || (Has("clip_g") && Has("clip_l")) || IsFewVectors;

        private bool IsFewVectors => shapes.Count is > 0 and <= 4 && shapes.All(tensor =>
            !tensor.Key.Contains('.', StringComparison.Ordinal)
            && tensor.Value is { Length: 1 or 2 } shape && TextWidths.Contains(shape[^1]));

        public bool Has(string name) => shapes.ContainsKey(name);

        public bool Begin(string prefix) => shapes.Keys.Any(name => name.StartsWith(prefix, StringComparison.Ordinal));

        public bool Any(Regex pattern) => shapes.Keys.Any(name => pattern.IsMatch(name));

        public bool IsAutoencoder(string prefix) => Has($"{prefix}decoder.conv_in.weight") && Has($"{prefix}encoder.conv_in.weight");
    }
}
