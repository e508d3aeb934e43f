using ControlNet.ML.Diffusion;

namespace ControlNet.ML;

/// <summary>How a model or control network is loaded.</summary>
public sealed record LoadOptions
{
    /// <summary>The variant of the weight files to read, <c>fp16</c>; null for the plain ones, or the only ones there are.</summary>
    public string? Variant { get; init; }

    /// <summary>What the networks compute in, whatever the files hold.</summary>
    /// <value>Default: <see cref="Precision.Float32"/>.</value>
    public Precision Precision { get; init; }

    /// <summary><c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>; null takes a GPU where there is one.</summary>
    public string? Device { get; init; }

    /// <summary>The runtime; null takes the one whose package the application references.</summary>
    public IBackendProvider? Backend { get; init; }

    /// <summary>Told how far the loading is, from 0 to 1.</summary>
    public IProgress<double>? Progress { get; init; }
}

/// <summary>The numbers that networks compute in.</summary>
public enum Precision
{
    /// <summary>32-bit: diffusers' pictures, number for number.</summary>
    Float32,

    /// <summary>bfloat16: half the memory, faster where the processor has instructions for it; pictures differ slightly.</summary>
    BFloat16,

    /// <summary>IEEE half: half the memory; for GPUs.</summary>
    Float16,
}
