using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace ControlNet.ML.Torch.Verification;

/// <summary>
/// Caches what was found out about this machine for the user: a small file for each processor, set of libraries and environment that can
/// change it. If no folder is writable, each start finds it out again.
/// </summary>
internal static class MachineCache
{
    /// <summary>The cached value; the default if there is none, or its file is damaged.</summary>
    /// <param name="part">The folder in the user's cache.</param>
    /// <param name="key">Everything that the value depends on.</param>
    public static T? Read<T>(string part, string key)
    {
        foreach (var folder in UserCache.Folders(part).Where(PrivateFolder.IsPrivate))
        {
            try
            {
                var path = PathOf(folder, key);
                if (File.Exists(path) && JsonSerializer.Deserialize<Entry<T>>(File.ReadAllBytes(path)) is { } entry && entry.Key == key)
                    return entry.Value;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
            {
                // A damaged entry counts as missing.
            }
        }

        return default;
    }

    /// <summary>Stores a value in the first writable folder.</summary>
    public static void Write<T>(string part, string key, T value) => UserCache.Use(UserCache.Folders(part), folder =>
    {
        AtomicFile.WriteCache(PathOf(folder, key), file => JsonSerializer.Serialize(file, new Entry<T>(key, value)));
        return true;
    });

    private static string PathOf(string folder, string key) =>
        Path.Combine(folder, $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))[..32]}.json");

    private sealed record Entry<T>(string Key, T Value);
}
