using System.Text;

namespace ControlNet.ML.Hub;

/// <summary>Where the hub is, where its files are kept, and who asks. The defaults are those of the Python library.</summary>
public sealed record HubOptions
{
    private const string DefaultEndpoint = "https://huggingface.co";
    private static readonly string[] Yes = ["1", "ON", "YES", "TRUE"];

    /// <summary>The hub's address.</summary>
    /// <value>Default: <c>https://huggingface.co</c>.</value>
    public Uri Endpoint { get; init; } = new(DefaultEndpoint);

    /// <summary>The folder that all tools of a user share: of each repository its <c>blobs</c>, <c>refs</c> and <c>snapshots</c>.</summary>
    /// <value>Default: <c>~/.cache/huggingface/hub</c>.</value>
    public string CacheFolder { get; init; } = Path.Combine(DefaultHome(_ => null), "hub");

    /// <summary>
    /// The access token, for private and gated repositories; null for none. Sent to <see cref="Endpoint"/> only, and over plain http only
    /// to this computer.
    /// </summary>
    public string? Token { get; init; }

    /// <summary>Whether only the cache may be used.</summary>
    /// <value>Default: false.</value>
    public bool IsOffline { get; init; }

    /// <summary>How long the hub may send nothing before the connection is given up and the transfer is resumed.</summary>
    /// <value>Default: 30 seconds.</value>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The clock by which pauses between attempts are measured.</summary>
    /// <value>Default: the system's.</value>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Whether snapshots may be links to the blobs; if not, as for most users of Windows, they are files.</summary>
    internal bool UseLinks { get; init; } = true;

    /// <summary>The number of free bytes in a folder.</summary>
    internal Func<string, long> FreeSpace { get; init; } = folder => new DriveInfo(folder).AvailableFreeSpace;

    /// <summary>
    /// The settings of the environment: <c>HF_ENDPOINT</c>, <c>HF_HOME</c>, <c>HF_HUB_CACHE</c>, <c>HF_HUB_OFFLINE</c>, and the token in
    /// <c>HF_TOKEN</c> or in the file that <c>hf auth login</c> writes (<c>HF_TOKEN_PATH</c>, or <c>token</c> in <c>HF_HOME</c>).
    /// </summary>
    /// <returns>The options.</returns>
    /// <exception cref="ControlNetException">A variable is invalid.</exception>
    public static HubOptions FromEnvironment() => From(Environment.GetEnvironmentVariable);

    /// <summary>The settings of given variables.</summary>
    /// <param name="variable">The value of a variable; null or empty if it is not set.</param>
    internal static HubOptions From(Func<string, string?> variable)
    {
        var home = Expand(Value("HF_HOME")) ?? DefaultHome(Value);
        return new HubOptions
        {
            Endpoint = EndpointOf(Value("HF_ENDPOINT") ?? DefaultEndpoint),
            CacheFolder = Path.GetFullPath(Expand(Value("HF_HUB_CACHE") ?? Value("HUGGINGFACE_HUB_CACHE")) ?? Path.Combine(home, "hub")),
            Token = IsSet("HF_HUB_DISABLE_IMPLICIT_TOKEN")
                ? null
                : Value("HF_TOKEN") ?? Value("HUGGING_FACE_HUB_TOKEN")
                    ?? TokenIn(Expand(Value("HF_TOKEN_PATH")) ?? Path.Combine(home, "token")),
            IsOffline = IsSet("HF_HUB_OFFLINE") || IsSet("TRANSFORMERS_OFFLINE"),
        };

        string? Value(string name) => variable(name) is { } value && value.Trim() is { Length: > 0 } trimmed ? trimmed : null;

        bool IsSet(string name) => Value(name) is { } value && Yes.Contains(value.ToUpperInvariant());
    }

    /// <summary>The options for a text: everything except the token.</summary>
    private bool PrintMembers(StringBuilder builder)
    {
        builder.Append($"Endpoint = {Endpoint}, CacheFolder = {CacheFolder}, IsOffline = {IsOffline}");
        return true;
    }

    private static Uri EndpointOf(string text) =>
        Uri.TryCreate(text.TrimEnd('/'), UriKind.Absolute, out var uri) && uri.Scheme is "https" or "http"
            && uri.UserInfo.Length == 0 && uri.Query.Length == 0 && uri.Fragment.Length == 0
            ? uri
            : throw new ControlNetException($"HF_ENDPOINT is {Message.Name(text)}, expected an address such as {DefaultEndpoint}.");

    private static string DefaultHome(Func<string, string?> value) => Path.Combine(
        value("XDG_CACHE_HOME") is { } cache && Path.IsPathRooted(cache) ? cache : Path.Combine(UserHome, ".cache"), "huggingface");

    private static string UserHome => Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);

    private static string? Expand(string? path) => path is null ? null
        : path == "~" || path.StartsWith("~/", StringComparison.Ordinal) ? UserHome + path[1..]
        : path;

    private static string? TokenIn(string path)
    {
        const int Longest = 4096;
        return File.Exists(path) && Encoding.UTF8.GetString(RegularFile.ReadAll(path, path, Longest, "an access token")).Trim()
            is { Length: > 0 } token ? token : null;
    }
}
