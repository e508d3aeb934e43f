namespace ControlNet.ML;

/// <summary>Where this library keeps what can be made again: the user's own cache.</summary>
internal static class UserCache
{
    /// <summary>The environment variable that names another folder.</summary>
    public const string Variable = "CONTROLNET_CACHE";

    private const string Own = "controlnet-ml";

    /// <summary>
    /// Folders to try, best first: that of CONTROLNET_CACHE alone where it is set; else XDG_CACHE_HOME, the system's place for a user's own
    /// data, then a folder of the user's own below the temporary one.
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
        yield return Path.Combine(Path.GetTempPath(), $"{Own}-{Environment.UserName}", part);
    }
}
