namespace ControlNet.ML.Diffusion;

/// <summary>The properties that images must share to be denoised together.</summary>
/// <param name="Width">Width of the image in pixels, or of its latents.</param>
/// <param name="Height">Height of the image in pixels, or of its latents.</param>
/// <param name="Steps">Denoising steps.</param>
/// <param name="Scheduler">The scheduler's configuration, as JSON.</param>
/// <param name="Strength">The strength of image-to-image; null for images that start from noise.</param>
/// <param name="Networks">The control networks, in order. A network missing here may still run for other images of the batch.</param>
internal sealed record BatchKey(int Width, int Height, int Steps, string Scheduler, double? Strength, IReadOnlyList<object> Networks)
{
    /// <summary>
    /// The number of text tokens, 0 before the prompts are encoded. Empty windows in place of missing ones would change the image.
    /// </summary>
    public int Tokens { get; init; }

    /// <summary>The LoRAs with their weights, as text; they are in the weights of the networks.</summary>
    public string Loras { get; init; } = "";

    /// <summary>What is left out to save time.</summary>
    public Approximation Approximation { get; init; } = new();

    /// <summary>Everything except the networks.</summary>
    public (int, int, int, string, double?, int, string, Approximation) Settings =>
        (Width, Height, Steps, Scheduler, Strength, Tokens, Loras, Approximation);

    /// <summary>Why two images cannot be denoised together; null if they can.</summary>
    public string? Difference(BatchKey other)
    {
        if ((Width, Height) != (other.Width, other.Height))
            return $"one size: found {Width}x{Height} and {other.Width}x{other.Height}";
        if (Steps != other.Steps)
            return $"one number of steps: found {Steps} and {other.Steps}";
        if (Scheduler != other.Scheduler)
            return "one scheduler";
        if (Tokens != other.Tokens)
            return $"one number of text tokens: found {Tokens} and {other.Tokens}";
        if (Strength != other.Strength)
            return "one strength, or all start from noise";
        if (Loras != other.Loras)
            return "the same LoRAs with the same weights";
        if (Approximation != other.Approximation)
            return "the same approximation";
        return Covers(other) || other.Covers(this) ? null : "the same control networks in the same order";
    }

    /// <summary>Whether the other's networks are a subset of these, in the same order.</summary>
    public bool Covers(BatchKey other)
    {
        var found = 0;
        foreach (var network in Networks)
        {
            if (found < other.Networks.Count && network.Equals(other.Networks[found]))
                found++;
        }

        return found == other.Networks.Count;
    }
}
