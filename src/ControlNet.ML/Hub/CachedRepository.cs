using ControlNet.ML.Weights;
using ControlNet.ML.Weights.Graphs;

namespace ControlNet.ML.Hub;

/// <summary>A repository in the hub's cache, at one commit.</summary>
/// <param name="Id"><c>owner/name</c>.</param>
/// <param name="Commit">The commit, 40 hexadecimal digits.</param>
/// <param name="Revisions">The branches and tags that had this commit when they were last fetched.</param>
/// <param name="Folder">The folder of the snapshot.</param>
/// <param name="IsModel">
/// Whether it is a model, with a <c>model_index.json</c> or ONNX graphs, rather than a control network or single files.
/// </param>
/// <param name="Bytes">The size of the cached files.</param>
public sealed record CachedRepository(
    string Id, string Commit, IReadOnlyList<string> Revisions, string Folder, bool IsModel, long Bytes)
{
    /// <summary>The repositories of a cache that hold weights or graphs which can be read.</summary>
    internal static IReadOnlyList<CachedRepository> List(string root)
    {
        var found = new List<CachedRepository>();
        foreach (var (id, _) in HubCache.Repositories(root))
        {
            var cache = new HubCache(root, id);
            foreach (var (commit, revisions) in cache.Snapshots())
            {
                var files = cache.Files(commit);
                if (files.Any(file => WeightEndings.AreOf(file) || ControlSource.IsGraph(file)))
                    found.Add(new CachedRepository(
                        id.Repository, commit, revisions, cache.Snapshot(commit),
                        files.Contains(ModelFolder.IndexName) || GraphFolder.IsIn(files.Contains),
                        files.Sum(file => LinkedFile.Of(cache.PathOf(commit, file)).Length)));
            }
        }

        return found;
    }
}
