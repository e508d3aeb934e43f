using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using ControlNet.ML.Configuration;

namespace ControlNet.ML.Hub;

/// <summary>
/// The requests of the hub's HTTP interface. Redirects are followed here rather than by .NET's handler, so that the token is sent to the
/// hub alone, and never over a connection that others can read.
/// </summary>
/// <param name="options">The address, the token and the timeout.</param>
internal sealed class HubClient(HubOptions options)
{
    private const int MostRedirects = 10, LongestListing = 64 << 20, MostFiles = 100_000;
    private const long LargestFile = 1L << 42;

    private static readonly HttpClient Http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        AutomaticDecompression = DecompressionMethods.None,
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
        DefaultRequestHeaders = { { "User-Agent", $"controlnet-ml/{AssemblyVersion.Of(typeof(HubClient).Assembly)}" } },
    };

    /// <summary>The commit of a revision, and its files.</summary>
    /// <exception cref="ControlNetException">There is no such repository or revision, or it may not be read.</exception>
    public Task<HubListing> ListAsync(HubId id, CancellationToken cancellationToken) => HubRetry.RunAsync(options, async token =>
    {
        var uri = Address($"api/models/{id.Repository}/revision/{Uri.EscapeDataString(id.Revision)}");
        using var response = await SendAsync(HttpMethod.Get, uri, null, token).ConfigureAwait(false);
        HubFailure.ThrowUnlessOk(response, id, null, options);
        return Listing(
            await ReadAsync(response, token).ConfigureAwait(false),
            $"{options.Endpoint.Host}: the answer for {Message.Name(id.Repository)}");
    }, cancellationToken);

    /// <summary>The content's name and size of a file.</summary>
    /// <exception cref="ControlNetException">There is no such file, it may not be read, or the answer is not the hub's.</exception>
    public Task<HubFile> DescribeAsync(HubId id, string commit, string path, CancellationToken cancellationToken) =>
        HubRetry.RunAsync(options, async token =>
        {
            using var response = await SendAsync(HttpMethod.Head, FileAddress(id, commit, path), null, token).ConfigureAwait(false);
            if (!IsRedirect(response))
                HubFailure.ThrowUnlessOk(response, id, path, options);
            var etag = (Header(response, "X-Linked-Etag") ?? response.Headers.ETag?.Tag ?? "").Trim('"').ToLowerInvariant();
            var size = long.TryParse(Header(response, "X-Linked-Size"), out var linked) ? linked : response.Content.Headers.ContentLength;
            return etag.Length is 40 or 64 && etag.All(char.IsAsciiHexDigitLower) && size is >= 0 and <= LargestFile
                ? new HubFile(path, etag, size.Value)
                : throw new ControlNetException(
                    $"{options.Endpoint.Host}: the answer for {Message.Name(path)} of {Message.Name(id.Repository)} has the ETag "
                        + $"{Message.Name(etag)} and {size?.ToString() ?? "no"} bytes, expected those of a hub.");
        }, cancellationToken);

    /// <summary>The content of a file from a position on.</summary>
    /// <returns>The response, whose body has not been read; 206 if it begins at the position, 200 if at the file's start.</returns>
    /// <exception cref="HubBusyException">The failure may pass.</exception>
    /// <exception cref="ControlNetException">It may not be read.</exception>
    public async Task<HttpResponseMessage> OpenAsync(HubId id, string commit, string path, long from, CancellationToken cancellationToken)
    {
        var response = await SendAsync(HttpMethod.Get, FileAddress(id, commit, path), from == 0 ? null : from, cancellationToken)
            .ConfigureAwait(false);
        try
        {
            if (response.StatusCode != HttpStatusCode.RequestedRangeNotSatisfiable)
                HubFailure.ThrowUnlessOk(response, id, path, options);
            return response;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, Uri uri, long? from, CancellationToken cancellationToken)
    {
        for (var redirects = 0; redirects <= MostRedirects; redirects++)
        {
            using var request = Request(method, uri, from);
            var response = await SendAsync(request, cancellationToken).ConfigureAwait(false);

            // For a large file the hub's own answer has the facts, and leads to a storage that may not have them.
            var isAnswer = method == HttpMethod.Head && Header(response, "X-Linked-Etag") is not null;
            if (!IsRedirect(response) || isAnswer)
                return response;
            using (response)
                uri = Target(uri, response);
        }

        throw new ControlNetException($"{options.Endpoint.Host}: redirects more than {MostRedirects} times.");
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(options.Timeout);
        try
        {
            return await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, timeout.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException error) when (!cancellationToken.IsCancellationRequested)
        {
            throw new HubBusyException($"no answer within {options.Timeout.TotalSeconds} seconds", null, error);
        }
        catch (HttpRequestException error)
        {
            var reason = error.InnerException is IOException inner ? inner.Message : error.Message;
            throw new HubBusyException(Message.Escape(reason), null, error);
        }
    }

    /// <summary>A request, with the token if the address may have it.</summary>
    internal HttpRequestMessage Request(HttpMethod method, Uri uri, long? from)
    {
        var request = new HttpRequestMessage(method, uri);
        if (MayHaveToken(uri))
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", CheckedToken);
        if (from is not null)
            request.Headers.Range = new RangeHeaderValue(from, null);
        return request;
    }

    /// <summary>Where a redirect leads.</summary>
    /// <exception cref="ControlNetException">The target is no web address, or an unencrypted one.</exception>
    internal Uri Target(Uri from, HttpResponseMessage response)
    {
        var target = response.Headers.Location is { } location ? new Uri(from, location) : from;
        var isAllowed = target.Scheme == Uri.UriSchemeHttps || (target.Scheme == Uri.UriSchemeHttp && from.Scheme == Uri.UriSchemeHttp);
        return isAllowed
            ? target
            : throw new ControlNetException(
                $"{options.Endpoint.Host}: redirects from {from.Scheme} to {Message.Name($"{target.Scheme}://{target.Host}")}, "
                    + "expected https.");
    }

    private bool MayHaveToken(Uri uri) =>
        options.Token is not null && uri.Scheme == options.Endpoint.Scheme && uri.Port == options.Endpoint.Port
        && string.Equals(uri.Host, options.Endpoint.Host, StringComparison.OrdinalIgnoreCase)
        && (uri.Scheme == Uri.UriSchemeHttps || uri.IsLoopback);

    private string CheckedToken => options.Token is { } token && token.All(letter => letter is > ' ' and <= '~')
        ? token
        : throw new ControlNetException("The access token (HF_TOKEN) has characters that no token has.");

    private Uri FileAddress(HubId id, string commit, string path) =>
        Address($"{id.Repository}/resolve/{commit}/{string.Join('/', path.Split('/').Select(Uri.EscapeDataString))}");

    private Uri Address(string path) => new($"{options.Endpoint.AbsoluteUri.TrimEnd('/')}/{path}");

    private async Task<byte[]> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(options.Timeout);
        try
        {
            var stream = await response.Content.ReadAsStreamAsync(timeout.Token).ConfigureAwait(false);
            await using (stream.ConfigureAwait(false))
            {
                using var bytes = new MemoryStream();
                var block = new byte[1 << 16];
                for (int count; (count = await stream.ReadAsync(block, timeout.Token).ConfigureAwait(false)) > 0;)
                {
                    if (bytes.Length + count > LongestListing)
                        throw new ControlNetException($"{options.Endpoint.Host}: the answer has more than {LongestListing:N0} bytes.");
                    bytes.Write(block, 0, count);
                }

                return bytes.ToArray();
            }
        }
        catch (Exception error) when (error is IOException or HttpRequestException
            || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new HubBusyException("the connection was cut", null, error);
        }
    }

    /// <summary>Reads the hub's description of a repository.</summary>
    /// <param name="json">The answer.</param>
    /// <param name="source">Its name for messages.</param>
    internal static HubListing Listing(byte[] json, string source)
    {
        var root = JsonText.ParseObject(json, source);
        if (!root.TryGetProperty("sha", out var sha) || sha.ValueKind != JsonValueKind.String || !HubId.IsCommit(sha.GetString()!))
            throw new ControlNetException($"{source}: has no commit ('sha').");
        if (!root.TryGetProperty("siblings", out var siblings) || siblings.ValueKind != JsonValueKind.Array
            || siblings.GetArrayLength() > MostFiles)
            throw new ControlNetException($"{source}: has no list of files ('siblings').");
        return new HubListing(
            sha.GetString()!,
            [
                .. siblings.EnumerateArray()
                    .Select(file => file.ValueKind == JsonValueKind.Object && file.TryGetProperty("rfilename", out var name)
                        && name.ValueKind == JsonValueKind.String ? name.GetString() : null)
                    .OfType<string>(),
            ]);
    }

    private static bool IsRedirect(HttpResponseMessage response) => (int)response.StatusCode is 301 or 302 or 303 or 307 or 308;

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;
}
