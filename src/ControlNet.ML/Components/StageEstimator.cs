using Microsoft.ML;
using Microsoft.ML.Runtime;

namespace ControlNet.ML.Components;

/// <summary>An estimator with nothing to learn: its settings alone determine the transformer.</summary>
/// <typeparam name="TTransformer">The transformer.</typeparam>
public abstract class StageEstimator<TTransformer> : ModelEstimator<TTransformer>
    where TTransformer : ModelTransformer
{
    private readonly Func<IHostEnvironment, TTransformer> _create;

    private protected StageEstimator(IHostEnvironment environment, ComponentColumns columns, Func<IHostEnvironment, TTransformer> create)
        : base(environment, columns) => _create = create;

    private protected sealed override TTransformer Create(IDataView input) => _create(Environment);
}
