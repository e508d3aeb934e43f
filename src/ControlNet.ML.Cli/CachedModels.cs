using System.Globalization;
using ControlNet.ML.Hub;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Cli;

/// <summary>The hub's cache, as <c>models</c> shows it.</summary>
internal static class CachedModels
{
    /// <summary>Lists the cached models and control networks.</summary>
    public static void List(Terminal terminal, bool json)
    {
        var cached = ModelHub.Cached();
        if (json)
        {
            Json.Print(terminal, new { models = cached });
            return;
        }

        foreach (var repository in cached)
        {
            var revision = repository.Revisions.Count > 0 ? string.Join(", ", repository.Revisions) : "no branch";
            terminal.Result(string.Create(
                CultureInfo.InvariantCulture,
                $"{repository.Id}  {(repository.IsModel ? "model" : "weights")}, {repository.Bytes / 1e6:N1} MB, {revision} "
                    + $"{repository.Commit[..8]}, {repository.Folder}"));
        }

        if (cached.Count == 0)
            terminal.Result(
                $"No model is in the hub's cache {HubOptions.FromEnvironment().CacheFolder}; 'controlnet download' fetches one.");
    }

    /// <summary>The path of a name that is an id of the hub; other names unchanged. Describing a model fetches nothing.</summary>
    /// <exception cref="ControlNetException">It is not in the cache.</exception>
    public static string Find(string name) => ModelNames.FindHubId(name) is not { } id
        ? name
        : ModelHub.FindCached(name, new LoadOptions { IsCachedOnly = true }) ?? throw new ControlNetException(
            $"{Message.Name(name)} is neither here nor in the hub's cache: 'controlnet download {id}' fetches it.");
}
