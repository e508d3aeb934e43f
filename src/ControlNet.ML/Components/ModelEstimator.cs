using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace ControlNet.ML.Components;

/// <summary>What the estimators of this library share.</summary>
/// <typeparam name="TTransformer">What they fit.</typeparam>
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

    /// <summary>Makes the transformer, after a look at the input's schema.</summary>
    /// <param name="input">The data.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    public TTransformer Fit(IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        _columns.Bind(input.Schema);
        return Create(input);
    }

    /// <summary>The shape of the schema after the transformer.</summary>
    /// <param name="inputSchema">The shape before.</param>
    /// <exception cref="ArgumentOutOfRangeException">A column is missing or of another type.</exception>
    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        ArgumentNullException.ThrowIfNull(inputSchema);
        return _columns.Extend(inputSchema);
    }

    /// <summary>Makes the transformer.</summary>
    private protected abstract TTransformer Create(IDataView input);
}
