using ControlNet.ML.Configuration;

namespace ControlNet.ML.Weights;

/// <summary>
/// The names and shapes of a network's tensors, in diffusers' state dicts and in the original checkpoints (CompVis' ldm, lllyasviel's
/// cldm). An exact table, computed from the configuration: a name that the network does not have is never translated.
/// </summary>
public sealed class KeyMap
{
    /// <summary>The prefix of a UNet's original names.</summary>
    public const string UNetPrefix = "model.diffusion_model.";

    /// <summary>The prefix of the names of a control network's condition encoder.</summary>
    public const string ConditionEncoderPrefix = "controlnet_cond_embedding.";

    /// <summary>The prefix of a control network's original names, if there is one.</summary>
    public const string ControlPrefix = "control_model.";

    /// <summary>The prefix of an autoencoder's original names; none in a file of its own.</summary>
    public const string AutoencoderPrefix = "first_stage_model.";

    /// <summary>The prefix of the names of SD1's CLIP text encoder.</summary>
    public const string TextEncoderPrefix = "cond_stage_model.transformer.";

    /// <summary>The prefix of the names of SDXL's first text encoder.</summary>
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

    /// <summary>Creates the names of a UNet.</summary>
    /// <param name="config">Its configuration.</param>
    /// <param name="prefix">The prefix of the original names.</param>
    /// <returns>Every tensor of the network with both of its names.</returns>
    /// <exception cref="ControlNetException">The configuration is invalid.</exception>
    public static KeyMap For(UNetConfig config, string prefix = UNetPrefix)
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Check();
        return new KeyMap(UNetLayout.Of(config, prefix));
    }

    /// <summary>Creates the names of a control network.</summary>
    /// <param name="config">Its configuration.</param>
    /// <param name="prefix">The prefix of the original names.</param>
    /// <returns>Every tensor of the network with both of its names.</returns>
    /// <exception cref="ControlNetException">
    /// The configuration is invalid, or it is of ControlNet-lite, which has no original names.
    /// </exception>
    public static KeyMap For(ControlNetConfig config, string prefix = ControlPrefix)
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Check();
        if (config.Lite)
            throw new ControlNetException("ControlNet-lite does not exist in the original naming, expected a folder.");
        return new KeyMap(UNetLayout.Of(config, prefix));
    }

    /// <summary>Creates the names of an autoencoder.</summary>
    /// <param name="config">Its configuration.</param>
    /// <param name="prefix">The prefix of the original names.</param>
    /// <returns>Every tensor of the network with both of its names.</returns>
    /// <exception cref="ControlNetException">The configuration is invalid.</exception>
    public static KeyMap For(AutoencoderConfig config, string prefix = AutoencoderPrefix)
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Check();
        return new KeyMap(AutoencoderLayout.Of(config, prefix));
    }

    /// <summary>Creates the names of a CLIP text encoder.</summary>
    /// <param name="config">Its configuration.</param>
    /// <param name="prefix">The prefix of the original names.</param>
    /// <returns>Every tensor of the network with both of its names.</returns>
    /// <exception cref="ControlNetException">The configuration is invalid.</exception>
    public static KeyMap For(ClipTextConfig config, string prefix = TextEncoderPrefix)
    {
        ArgumentNullException.ThrowIfNull(config);
        config.Check();
        return new KeyMap(ClipTextLayout.Of(config, prefix));
    }

    /// <summary>The tensor with a diffusers name, or null if the network has none.</summary>
    /// <param name="name">The name.</param>
    /// <returns>The tensor.</returns>
    public TensorLayout? FindByName(string name) => _byName.GetValueOrDefault(name);

    /// <summary>The tensor with an original name, including the prefix, or null if the network has none.</summary>
    /// <param name="original">The name.</param>
    /// <returns>The tensor.</returns>
    public TensorLayout? FindByOriginal(string original) => _byOriginal.GetValueOrDefault(original);
}
