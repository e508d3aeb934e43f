namespace ControlNet.ML.Components;

/// <summary>Options of every component that runs networks.</summary>
public record NetworkComponentOptions : ComponentOptions
{
    /// <summary>Where a saved model keeps the networks' weights.</summary>
    /// <value><see cref="WeightStorage.Reference"/>.</value>
    public WeightStorage Weights { get; init; }

    /// <inheritdoc/>
    public override string? Validate() => base.Validate() ?? (Enum.IsDefined(Weights)
        ? null
        : $"{nameof(Weights)} is {Weights}, expected {string.Join(", ", Enum.GetNames<WeightStorage>())}.");
}

/// <summary>Where a saved model keeps the weights of its networks.</summary>
public enum WeightStorage
{
    /// <summary>In their original files: the model holds names and checksums.</summary>
    Reference,

    /// <summary>
    /// Inside the model: each component holds only the weights that it needs. A program that loads the model copies them to the user's
    /// cache once.
    /// </summary>
    Inside,
}
