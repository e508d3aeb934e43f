using ControlNet.ML.Components;

// The namespace of ML.NET's own catalogs: who can write mlContext.Transforms finds the components below it without a further using.
namespace Microsoft.ML;

/// <summary>Adds the components of ControlNet.ML to ML.NET's catalogs.</summary>
public static class ControlNetCatalog
{
    /// <summary>The components of ControlNet.ML.</summary>
    /// <param name="catalog"><c>mlContext.Transforms</c>.</param>
    /// <returns>The components, as methods that create estimators.</returns>
    public static ControlNetTransforms ControlNet(this TransformsCatalog catalog)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return new ControlNetTransforms(MlNetAccess.Environment(catalog));
    }

    /// <summary>The metrics of ControlNet.ML.</summary>
    /// <param name="context">The context.</param>
    /// <returns>The metrics, as methods that evaluate data.</returns>
    public static ControlNetEvaluation ControlNet(this MLContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return new ControlNetEvaluation();
    }
}
