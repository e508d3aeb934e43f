namespace ControlNet.ML.Components;

/// <summary>What every component that runs networks lets one choose.</summary>
public record NetworkComponentOptions : ComponentOptions
{
    /// <summary>Where a saved model has the networks' weights.</summary>
    /// <value><see cref="WeightStorage.Reference"/>.</value>
    public WeightStorage Weights { get; init; }

    /// <inheritdoc/>
    public override string? Validate() => base.Validate() ?? (Enum.IsDefined(Weights)
        ? null
        : $"{nameof(Weights)} is {Weights}, expected {string.Join(", ", Enum.GetNames<WeightStorage>())}.");
}

/// <summary>Where a saved model has the weights of its networks.</summary>
public enum WeightStorage
{
    /// <summary>Where they were: the model holds names and checksums.</summary>
    Reference,

    /// <summary>
    /// In the model itself: each component holds what it needs, and no more. A program that loads it copies them to the user's cache once.
    /// </summary>
    Inside,
}
