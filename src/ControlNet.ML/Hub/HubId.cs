using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace ControlNet.ML.Hub;

/// <summary>
/// The name of a model or control network on the Hugging Face hub: <c>owner/name</c>, <c>owner/name@revision</c>,
/// <c>owner/name:subfolder</c> or <c>owner/name@revision:path/to/file.safetensors</c>.
/// </summary>
public sealed partial record HubId
{
    /// <summary>The revision where none is named.</summary>
    internal const string DefaultRevision = "main";

    private const int LongestRepository = 96, LongestRevision = 200, LongestPath = 400;

    private HubId(string owner, string name, string revision, string path) =>
        (Owner, Name, Revision, Path) = (owner, name, revision, path);

    /// <summary>The user or organisation.</summary>
    public string Owner { get; }

    /// <summary>The repository's name.</summary>
    public string Name { get; }

    /// <summary>A branch, a tag or a commit.</summary>
    /// <value>Default: <c>main</c>.</value>
    public string Revision { get; private init; }

    /// <summary>A folder or a file in the repository, with slashes; empty for its root.</summary>
    public string Path { get; }

    /// <summary><c>owner/name</c>.</summary>
    public string Repository => $"{Owner}/{Name}";

    /// <summary>Whether the revision is a commit, whose files never change.</summary>
    internal bool IsPinned => IsCommit(Revision);

    /// <summary>Reads an id.</summary>
    /// <param name="text">The text.</param>
    /// <returns>The id.</returns>
    /// <exception cref="ControlNetException">The text has another form.</exception>
    public static HubId Parse(string text) => TryParse(text, out var id)
        ? id
        : throw new ControlNetException($"{Message.Name(text)} is not the id of a model on the hub, expected owner/name, "
            + "owner/name@revision or owner/name:subfolder.");

    /// <summary>Reads an id.</summary>
    /// <param name="text">The text.</param>
    /// <param name="id">The id.</param>
    /// <returns>Whether the text is one.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out HubId? id)
    {
        id = null;
        if (text is null || Form().Match(text) is not { Success: true } match)
            return false;
        var (owner, name) = (match.Groups["owner"].Value, match.Groups["name"].Value);
        var (revision, path) = (match.Groups["revision"], match.Groups["path"]);
        if (owner.Length + 1 + name.Length > LongestRepository || !IsSegment(owner) || !IsSegment(name)
            || name.EndsWith(".git", StringComparison.Ordinal))
            return false;
        if (revision.Success && !(revision.Length <= LongestRevision && IsPath(revision.Value)))
            return false;
        if (path.Success && !(path.Length <= LongestPath && IsPath(path.Value.TrimEnd('/'))))
            return false;
        id = new HubId(owner, name, revision.Success ? revision.Value : DefaultRevision, path.Value.TrimEnd('/'));
        return true;
    }

    /// <summary>The same files under their commit, which never change.</summary>
    internal HubId At(string commit) => this with { Revision = commit };

    /// <summary>Whether a revision is a commit: 40 hexadecimal digits.</summary>
    internal static bool IsCommit(string revision) => revision.Length == 40 && revision.All(char.IsAsciiHexDigitLower);

    /// <summary>The id in the form that <see cref="Parse"/> reads.</summary>
    /// <returns>The text.</returns>
    public override string ToString() =>
        Repository + (Revision == DefaultRevision ? "" : $"@{Revision}") + (Path.Length == 0 ? "" : $":{Path}");

    /// <summary>The hub's rule for names, the only one that makes them safe as the name of a folder.</summary>
    private static bool IsSegment(string name) =>
        char.IsAsciiLetterOrDigit(name[0]) && name[^1] is not ('-' or '.')
        && !name.Contains("--", StringComparison.Ordinal) && !name.Contains("..", StringComparison.Ordinal);

    private static bool IsPath(string path) => path.Split('/').All(Weights.PlainFileName.IsPlain);

    [GeneratedRegex(@"\A(?<owner>[\w.-]+)/(?<name>[\w.-]+)(@(?<revision>[\w./+-]+))?(:(?<path>[^:]+))?\z", RegexOptions.ECMAScript)]
    private static partial Regex Form();
}
