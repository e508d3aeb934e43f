namespace ControlNet.ML.Hub;

/// <summary>A file of a repository, as the hub describes it.</summary>
/// <param name="Path">Its path in the repository.</param>
/// <param name="ETag">The name of its content: 64 hexadecimal digits, its SHA-256, or 40, git's SHA-1 of it.</param>
/// <param name="Size">Its length in bytes.</param>
internal sealed record HubFile(string Path, string ETag, long Size);

/// <summary>A repository at a revision.</summary>
/// <param name="Commit">The revision's commit.</param>
/// <param name="Files">Its files, as paths with slashes.</param>
internal sealed record HubListing(string Commit, IReadOnlyList<string> Files);
