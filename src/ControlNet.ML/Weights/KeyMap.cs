using ControlNet.ML.Configuration;

namespace ControlNet.ML.Weights;

/// <summary>
/// The names of a network's tensors in diffusers' state dicts and in the original checkpoints (CompVis' ldm,
/// lllyasviel's cldm), and their shapes. One exact table, made from the configuration: a name that the network does not
/// have is not translated by resemblance but not at all.
/// </summary>
public sealed class KeyMap
{
    /// <summary>What stands before a UNet's original names.</summary>
    public const string UNetPrefix = "model.diffusion_model.";

    /// <summary>What the names of a control network's condition encoder begin with.</summary>
    public const string ConditionEncoderPrefix = "controlnet_cond_embedding.";

    /// <summary>What stands before a control network's original names, if anything does.</summary>
    public const string ControlPrefix = "control_model.";

    /// <summary>What stands before an autoencoder's original names; nothing in a file of its own.</summary>
    public const string AutoencoderPrefix = "first_stage_model.";

    /// <summary>What stands before the names of the CLIP text encoder of SD1.</summary>
    public const string TextEncoderPrefix = "cond_stage_model.transformer.";

    /// <summary>What stands before the names of SDXL's first text encoder.</summary>
    public const string FirstTextEncoderPrefix = "conditioner.embedders.0.transformer.";

    private readonly Dictionary<string, TensorLayout> _byName;
    private readonly Dictionary<string, TensorLayout> _byOriginal;

    private KeyMap(IReadOnlyList<TensorLayout> tensors)
    {
        Tensors = tensors;
        _byName = tensors.ToDictionary(tensor => tensor.Name);
        _byOriginal = tensors.ToDictionary(tensor => tensor.Original);
    }

    /// <summary>All tensors of the network, in the order of diffusers' state dict.</summary>
    public IReadOnlyList<TensorLayout> Tensors { get; }

    /// <summary>The number of parameters.</summary>
    public long Parameters => Tensors.Sum(tensor => tensor.Shape.Aggregate(1L, (product, size) => product * size));

    /// <summary>The names of a UNet.</summary>
    /// <param name="config">Its configuration.</param>
    /// <param name="prefix">What stands before the original names.</param>
    /// <exception cref="ControlNetException">The configuration is not sound.</exception>
    public static KeyMap For(UNetConfig config, string prefix = UNetPrefix)
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        return new KeyMap(UNetLayout.Of(config, prefix));
    }

    /// <summary>The names of a control network.</summary>
    /// <param name="config">Its configuration.</param>
    /// <param name="prefix">What stands before the original names.</param>
    /// <exception cref="ControlNetException">The configuration is not sound, or of ControlNet-lite, which has no original names.</exception>
    public static KeyMap For(ControlNetConfig config, string prefix = ControlPrefix)
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        if (config.Lite)
            throw new ControlNetException("ControlNet-lite has no names in the original naming: it comes as a folder.");
        return new KeyMap(UNetLayout.Of(config, prefix));
    }

    /// <summary>The names of an autoencoder.</summary>
    /// <param name="config">Its configuration.</param>
    /// <param name="prefix">What stands before the original names.</param>
    /// <exception cref="ControlNetException">The configuration is not sound.</exception>
    public static KeyMap For(AutoencoderConfig config, string prefix = AutoencoderPrefix)
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        return new KeyMap(AutoencoderLayout.Of(config, prefix));
    }

    /// <summary>The names of a CLIP text encoder.</summary>
    /// <param name="config">Its configuration.</param>
    /// <param name="prefix">What stands before the original names.</param>
    /// <exception cref="ControlNetException">The configuration is not sound.</exception>
    public static KeyMap For(ClipTextConfig config, string prefix = TextEncoderPrefix)
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        return new KeyMap(ClipTextLayout.Of(config, prefix));
    }

    /// <summary>The tensor of a diffusers name, or null if the network has none of that name.</summary>
    /// <param name="name">The name.</param>
    public TensorLayout? FindByName(string name) => _byName.GetValueOrDefault(name);

    /// <summary>The tensor of an original name, prefix included, or null if the network has none of that name.</summary>
    /// <param name="original">The name.</param>
    public TensorLayout? FindByOriginal(string original) => _byOriginal.GetValueOrDefault(original);
}
