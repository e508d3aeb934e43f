namespace ControlNet.ML.Hub;

/// <summary>How far a download is.</summary>
/// <param name="File">The file that is being transferred, as a path in its repository.</param>
/// <param name="Done">The number of bytes that are in the cache, including those of earlier calls.</param>
/// <param name="Total">The number of bytes of all needed files.</param>
public sealed record HubProgress(string File, long Done, long Total);
