namespace ControlNet.ML.Internal;

/// <summary>Length and times of what a path leads to: .NET's <see cref="FileInfo"/> gives those of a link itself.</summary>
internal static class LinkedFile
{
    /// <summary>The file, or the one that a link leads to in the end.</summary>
    /// <exception cref="IOException">The link leads nowhere, or in a circle.</exception>
    public static FileInfo Of(string path) => (FileInfo?)File.ResolveLinkTarget(path, returnFinalTarget: true) ?? new FileInfo(path);
}
