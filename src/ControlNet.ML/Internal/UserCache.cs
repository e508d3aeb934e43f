namespace ControlNet.ML.Internal;

/// <summary>Where this library keeps what can be made again: the user's own cache, in folders that nobody else can write to.</summary>
internal static class UserCache
{
    /// <summary>The environment variable that names another folder.</summary>
    public const string Variable = "CONTROLNET_CACHE";

    private const string Own = "controlnet-ml";

    /// <summary>
    /// Folders to try, best first: that of CONTROLNET_CACHE alone where it is set; else XDG_CACHE_HOME, the system's place for a user's own
    /// data, then a folder of the user's own below the temporary one, under a name that nobody can have taken if need be.
    /// </summary>
    /// <param name="part">What it is for, <c>models</c>.</param>
    public static IEnumerable<string> Folders(string part)
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } chosen)
        {
            yield return Path.Combine(Path.GetFullPath(chosen), part);
            yield break;
        }

        if (Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache && Path.IsPathRooted(cache))
            yield return Path.Combine(cache, Own, part);
        if (OperatingSystem.IsWindows() && Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData) is { Length: > 0 } local)
            yield return Path.Combine(local, Own, part);
        else if (Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) is { Length: > 0 } home)
            yield return Path.Combine(home, ".cache", Own, part);

        var (temporary, name) = (Path.GetTempPath(), $"{Own}-{Environment.UserName}");
        yield return Path.Combine(temporary, name, part);
        foreach (var made in MadeBefore(temporary, $"{name}-*"))
            yield return Path.Combine(made, part);
        yield return Path.Combine(temporary, $"{name}-{Path.GetRandomFileName()}", part);
    }

    /// <summary>Uses the first folder that can be made, is private, and in which it works.</summary>
    /// <param name="folders">The folders to try.</param>
    /// <param name="use">Uses a folder; throws an <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/> if the next is to be tried.</param>
    /// <param name="failures">Gets why the folders before it would not do.</param>
    /// <returns>What <paramref name="use"/> gave, or the default if no folder will do.</returns>
    public static T? Use<T>(IEnumerable<string> folders, Func<string, T> use, ICollection<string>? failures = null)
    {
        foreach (var folder in folders)
        {
            try
            {
                PrivateFolder.Create(folder);
                return use(folder);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                failures?.Add($"{folder} ({error.Message})");
            }
        }

        return default;
    }

    /// <summary>Found again are those folders of random names that are the user's; anyone else's may lie beside them.</summary>
    private static IEnumerable<string> MadeBefore(string folder, string pattern)
    {
        try
        {
            return [.. Directory.EnumerateDirectories(folder, pattern).Where(PrivateFolder.IsPrivate).Order(StringComparer.Ordinal)];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
