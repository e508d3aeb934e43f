using System.CommandLine;
using ControlNet.ML.Hub;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Cli.Commands;

/// <summary>Where a command's source is, which may be a base model or a control network.</summary>
internal static class SourcePlace
{
    /// <summary>Finds a source, downloads it if it is on the hub, and recognises what it is.</summary>
    /// <param name="name">Its name or path.</param>
    /// <param name="load">How it is loaded.</param>
    /// <param name="modelFile">The options of base models, which are refused for a control network.</param>
    /// <param name="result">The arguments.</param>
    /// <param name="show">Shows the progress of a download.</param>
    /// <param name="cancellationToken">Stops a download.</param>
    /// <returns>Its name or path, of the hub's models the path in the cache, and whether it is a control network.</returns>
    public static (string Place, bool IsControl) Find(
        string name, LoadOptions load, ModelOptions modelFile, ParseResult result, Action<string, double, double> show,
        CancellationToken cancellationToken)
    {
        // Of the hub, it is known only afterwards what it is.
        var downloading = load with { Progress = new DirectProgress<double>(done => show($"downloading {name}", done, 1)) };
        var place = ModelNames.FindHubId(name) is { } id
            ? ModelHub.Resolve(id, downloading, expected: null, cancellationToken)
            : name;
        var isControl = SourceKinds.Of(place) == SourceKind.Control;
        if (isControl)
            modelFile.RequireNone(result, name);
        return (place, isControl);
    }
}
