namespace ControlNet.ML.Internal;

/// <summary>The location of data that can be recreated: the user's cache, in folders that others cannot write to.</summary>
internal static class UserCache
{
    /// <summary>The environment variable that names another folder.</summary>
    public const string Variable = "CONTROLNET_CACHE";

    private const string Own = "controlnet-ml";

    /// <summary>
    /// The folders to try, best first: CONTROLNET_CACHE alone if it is set; else XDG_CACHE_HOME, the system's folder for user data, then a
    /// folder of the user below the temporary one, under a random name if the usual one is taken.
    /// </summary>
    /// <param name="part">The purpose, such as <c>models</c>.</param>
    public static IEnumerable<string> Folders(string part)
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } chosen)
        {
            yield return Path.Combine(Path.GetFullPath(chosen), part);
            yield break;
        }

        if (Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache && Path.IsPathRooted(cache))
            yield return Path.Combine(cache, Own, part);
        if (OperatingSystem.IsWindows()
            && Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData) is { Length: > 0 } local)
            yield return Path.Combine(local, Own, part);
        else if (Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) is { Length: > 0 } home)
            yield return Path.Combine(home, ".cache", Own, part);

        var (temporary, name) = (Path.GetTempPath(), $"{Own}-{Environment.UserName}");
        yield return Path.Combine(temporary, name, part);
        foreach (var made in MadeBefore(temporary, $"{name}-*"))
            yield return Path.Combine(made, part);
        yield return Path.Combine(temporary, $"{name}-{Path.GetRandomFileName()}", part);
    }

    /// <summary>Uses the first folder that can be created, is private, and for which the callback succeeds.</summary>
    /// <param name="folders">The folders to try.</param>
    /// <param name="use">
    /// Uses a folder; throws an <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/> to try the next one.
    /// </param>
    /// <param name="failures">Receives why the earlier folders failed.</param>
    /// <returns>The result of <paramref name="use"/>, or the default if no folder works.</returns>
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

    /// <summary>Finds the folders with random names that belong to the user; those of others may be there too.</summary>
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
