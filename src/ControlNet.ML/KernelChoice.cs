namespace ControlNet.ML;

/// <summary>Which of several kernels compute the convolutions, linear layers and attentions of networks on a CPU.</summary>
public enum KernelChoice
{
    /// <summary>Those that libtorch takes by itself.</summary>
    Plain,

    /// <summary>
    /// The fastest of several for each shape, timed on this machine when the shape is first met, and cached for the user. One whose result
    /// differs from the plain one's by more than rounding is never taken. Images differ slightly from the plain ones, and from those of
    /// machines with other choices.
    /// </summary>
    Measured,
}

/// <summary>The names of <see cref="KernelChoice"/> in options and in the environment.</summary>
internal static class KernelChoiceNames
{
    /// <summary>The environment variable with the choice for models that are loaded without one.</summary>
    public const string Variable = "CONTROLNET_KERNELS";

    /// <summary>All names.</summary>
    public static IReadOnlyList<string> All { get; } = ["plain", "measured"];

    /// <summary>Parses a name; null if there is no such choice.</summary>
    public static KernelChoice? Parse(string name) => name switch
    {
        "plain" => KernelChoice.Plain,
        "measured" => KernelChoice.Measured,
        _ => null,
    };

    /// <summary>The choice of options, otherwise of the environment, otherwise plain.</summary>
    /// <exception cref="ControlNetException">The environment variable has another value.</exception>
    public static KernelChoice Of(LoadOptions options)
    {
        if (options.Kernels is { } chosen)
            return chosen;
        return Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } name
            ? Parse(name) ?? throw new ControlNetException(
                $"The environment variable {Variable} is {Message.Name(name)}, expected {string.Join(" or ", All)}.")
            : KernelChoice.Plain;
    }
}
