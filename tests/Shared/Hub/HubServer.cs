using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace ControlNet.ML.TestSupport;

/// <summary>
/// A hub on this computer: the HTTP of the Hugging Face hub as far as models need it, and, on another port, the storage that it redirects to
/// for large files. Tests make it misbehave.
/// </summary>
internal sealed class HubServer : IDisposable
{
    private readonly TcpListener _hub = new(IPAddress.Loopback, 0), _storage = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly Dictionary<string, byte[]> _files = [];

    public HubServer()
    {
        foreach (var listener in new[] { _hub, _storage })
        {
            listener.Start();
            _ = AcceptAsync(listener);
        }
    }

    public const string Repository = "someone/some-model";

    public static string Commit { get; } = new('a', 40);

    public Uri Address => new($"http://127.0.0.1:{Port(_hub)}");

    /// <summary>The requests, as METHOD PATH, with the range and the token if they have one; those of the storage begin with "storage".</summary>
    public ConcurrentQueue<string> Requests { get; } = [];

    /// <summary>Answers instead of the hub, if it returns something.</summary>
    public Func<HubRequest, HubAnswer?> Answer { get; set; } = _ => null;

    /// <summary>The size from which a file is in the storage.</summary>
    public int LargeFile { get; set; } = 1024;

    public string CommitNow { get; set; } = Commit;

    public void Add(string path, byte[] content) => _files[path] = content;

    public void Add(string path, string content) => Add(path, Encoding.UTF8.GetBytes(content));

    /// <summary>Adds the files of a folder.</summary>
    public void AddFolder(string folder, string prefix = "")
    {
        foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
            Add(prefix + Path.GetRelativePath(folder, file).Replace('\\', '/'), File.ReadAllBytes(file));
    }

    public void Remove(string path) => _files.Remove(path);

    public void Dispose()
    {
        _end.Cancel();
        _hub.Dispose();
        _storage.Dispose();
        _end.Dispose();
    }

    public static string ETag(byte[] content, bool isLarge) => Convert.ToHexStringLower(isLarge
        ? SHA256.HashData(content)
        : CryptographicOperations.HashData(HashAlgorithmName.SHA1, [.. Encoding.ASCII.GetBytes($"blob {content.Length}\0"), .. content]));

    private static int Port(TcpListener listener) => ((IPEndPoint)listener.LocalEndpoint).Port;

    private async Task AcceptAsync(TcpListener listener)
    {
        try
        {
            while (true)
            {
                var client = await listener.AcceptTcpClientAsync(_end.Token);
                _ = Task.Run(() => ServeAsync(client, listener == _storage));
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task ServeAsync(TcpClient client, bool isStorage)
    {
        using var _ = client;
        try
        {
            var stream = client.GetStream();
            using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
            var first = (await reader.ReadLineAsync(_end.Token) ?? "").Split(' ');
            var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
            while (await reader.ReadLineAsync(_end.Token) is { Length: > 0 } line)
                headers[line.Split(':')[0]] = line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
            var from = headers.TryGetValue("Range", out var range) ? long.Parse(range["bytes=".Length..].TrimEnd('-'), CultureInfo.InvariantCulture) : 0;
            var request = new HubRequest(first[0], Uri.UnescapeDataString(first[1]), from, headers.GetValueOrDefault("Authorization"), isStorage);
            Requests.Enqueue(request.ToString());
            var answer = Answer(request) ?? (isStorage ? Content(request) : Reply(request));
            await SendAsync(stream, request, answer);
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or ObjectDisposedException)
        {
        }
    }

    private HubAnswer Reply(HubRequest request)
    {
        if (request.Path.StartsWith($"/api/models/{Repository}/revision/", StringComparison.Ordinal))
        {
            return request.Path.EndsWith("/main", StringComparison.Ordinal) || request.Path.EndsWith(CommitNow, StringComparison.Ordinal)
                ? new HubAnswer(200, Encoding.UTF8.GetBytes(JsonSerializer.Serialize(new { sha = CommitNow, siblings = _files.Keys.Select(rfilename => new { rfilename }) })))
                : new HubAnswer(404, "Invalid rev id"u8.ToArray()) { Headers = { ["X-Error-Code"] = "RevisionNotFound" } };
        }

        if (FileOf(request.Path) is not { } file)
            return new HubAnswer(401, "Repository not found"u8.ToArray()) { Headers = { ["X-Error-Code"] = "RepoNotFound" } };
        if (!_files.TryGetValue(file, out var content))
            return new HubAnswer(404, "Entry not found"u8.ToArray()) { Headers = { ["X-Error-Code"] = "EntryNotFound" } };
        var (isLarge, etag) = (content.Length >= LargeFile, $"\"{ETag(content, content.Length >= LargeFile)}\"");
        if (!isLarge)
        {
            var answer = Content(request);
            (answer.Headers["ETag"], answer.Headers["X-Repo-Commit"]) = (etag, CommitNow);
            return answer;
        }

        return new HubAnswer(302, [])
        {
            Headers =
            {
                ["Location"] = $"http://127.0.0.1:{Port(_storage)}{request.Path}?signature=1",
                ["X-Repo-Commit"] = CommitNow,
                ["X-Linked-Etag"] = etag,
                ["X-Linked-Size"] = content.Length.ToString(CultureInfo.InvariantCulture),
            },
        };
    }

    private HubAnswer Content(HubRequest request)
    {
        var content = _files[FileOf(request.Path.Split('?')[0])!];
        return request.From == 0
            ? new HubAnswer(200, content)
            : new HubAnswer(206, content[(int)request.From..]) { Headers = { ["Content-Range"] = $"bytes {request.From}-{content.Length - 1}/{content.Length}" } };
    }

    private static string? FileOf(string path)
    {
        var start = $"/{Repository}/resolve/";
        return path.StartsWith(start, StringComparison.Ordinal) ? path[(start.Length + 41)..] : null;
    }

    private async Task SendAsync(Stream stream, HubRequest request, HubAnswer answer)
    {
        var head = new StringBuilder($"HTTP/1.1 {answer.Code} X\r\nContent-Length: {answer.Body.Length}\r\nConnection: close\r\n");
        foreach (var (name, value) in answer.Headers)
            head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        await stream.WriteAsync(Encoding.ASCII.GetBytes(head + "\r\n"), _end.Token);
        if (request.Method == "HEAD")
            return;
        await stream.WriteAsync(answer.Body.AsMemory(0, answer.CutAfter ?? answer.Body.Length), _end.Token);
        await stream.FlushAsync(_end.Token);
        if (answer.IsSlow)
            await Task.Delay(Timeout.Infinite, _end.Token);
    }
}

internal sealed record HubRequest(string Method, string Path, long From, string? Authorization, bool IsStorage)
{
    public override string ToString() => $"{(IsStorage ? "storage " : "")}{Method} {Path}{(From > 0 ? $" from {From}" : "")}{(Authorization is null ? "" : $" {Authorization}")}";
}

/// <param name="Code">The status.</param>
/// <param name="Body">The announced content.</param>
internal sealed record HubAnswer(int Code, byte[] Body)
{
    public Dictionary<string, string> Headers { get; init; } = [];

    /// <summary>After so many bytes, nothing more is sent.</summary>
    public int? CutAfter { get; init; }

    /// <summary>Keeps the connection open when nothing more is sent.</summary>
    public bool IsSlow { get; init; }
}
