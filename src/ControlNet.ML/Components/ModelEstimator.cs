using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace ControlNet.ML.Components;

/// <summary>Base class of this library's estimators.</summary>
/// <typeparam name="TTransformer">The transformer that it fits.</typeparam>
public abstract class ModelEstimator<TTransformer> : IEstimator<TTransformer>
    where TTransformer : ModelTransformer
{
    private readonly ComponentColumns _columns;

    private protected ModelEstimator(IHostEnvironment environment, ComponentColumns columns)
    {
        Environment = environment;
        _columns = columns;
    }

    /// <summary>ML.NET's environment.</summary>
    private protected IHostEnvironment Environment { get; }

    /// <summary>Creates the transformer, after checking the input's schema.</summary>
    /// <param name="input">The data.</param>
    /// <returns>The transformer.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    public TTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        _columns.Bind(input.Schema);
        return Create(input);
    }

    /// <summary>The schema shape after the transformer.</summary>
    /// <param name="inputSchema">The shape before.</param>
    /// <returns>The shape of the input, with the added columns.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return _columns.Extend(inputSchema);
    }

    /// <summary>Creates the transformer.</summary>
    private protected abstract TTransformer Create(IDataView input);
}
