using ControlNet.ML.Hub;

namespace ControlNet.ML.Tests.Hub;

/// <summary>Who may read what: the token and where it is sent, refusals, redirects.</summary>
public sealed class HubAccessTests : HubTestBase
{
    private LoadOptions WithToken => Load with { Hub = Hub with { Token = "hf_secret" } };

    [Fact]
    public async Task The_token_is_sent_to_the_hub_and_not_to_its_storage()
    {
        AddControl();
        await DownloadAsync(options: WithToken);
        Assert.All(Server.Requests, request => Assert.Equal(!request.StartsWith("storage", StringComparison.Ordinal), request.EndsWith("Bearer hf_secret", StringComparison.Ordinal)));
        Assert.NotEmpty(RequestsOf("storage"));
    }

    [Fact]
    public async Task A_redirect_within_the_hub_keeps_the_token()
    {
        AddControl();
        Server.Answer = request => request.Path.EndsWith("/revision/main", StringComparison.Ordinal)
            ? new HubAnswer(307, []) { Headers = { ["Location"] = $"/api/models/{Id}/revision/{HubServer.Commit}" } }
            : null;
        await DownloadAsync(options: WithToken);
        Assert.All(RequestsOf("/api/"), request => Assert.EndsWith("Bearer hf_secret", request, StringComparison.Ordinal));
        Assert.Equal(2, RequestsOf("/api/").Length);
    }

    [Theory, InlineData("http://hub.example", false), InlineData("https://hub.example", true), InlineData("http://localhost:1", true)]
    public void The_token_is_sent_in_the_clear_to_this_computer_only(string address, bool isSent)
    {
        using var request = new HubClient(Hub with { Endpoint = new Uri(address), Token = "hf_secret" }).Request(HttpMethod.Get, new Uri($"{address}/api"), null);
        Assert.Equal(isSent, request.Headers.Authorization is not null);
        using var elsewhere = new HubClient(Hub with { Endpoint = new Uri(address), Token = "hf_secret" }).Request(HttpMethod.Get, new Uri("https://storage.example/x"), null);
        Assert.Null(elsewhere.Headers.Authorization);
    }

    [Fact]
    public void A_redirect_from_https_to_http_is_refused()
    {
        using var answer = new HttpResponseMessage(System.Net.HttpStatusCode.Found) { Headers = { Location = new Uri("http://storage.example/x") } };
        var client = new HubClient(Hub);
        Assert.Contains("expected https", Assert.Throws<ControlNetException>(() => client.Target(new Uri("https://hub.example/x"), answer)).Message, StringComparison.Ordinal);
        Assert.Equal("http://storage.example/x", client.Target(new Uri("http://127.0.0.1/x"), answer).AbsoluteUri);
    }

    [Fact]
    public async Task A_hub_that_redirects_forever_is_given_up()
    {
        Server.Answer = request => new HubAnswer(302, []) { Headers = { ["Location"] = request.Path } };
        Assert.Contains("redirects more than 10 times", await FailureAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Options_do_not_show_the_token()
    {
        var options = WithToken;
        Assert.DoesNotContain("hf_secret", $"{options} {options.Hub}", StringComparison.Ordinal);
        var message = await FailureAsync("someone/private", options);
        Assert.Contains("or the access token (HF_TOKEN) is invalid or may not read it (401)", message, StringComparison.Ordinal);
        Assert.DoesNotContain("hf_secret", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(401, "RepoNotFound", "has no repository 'someone/some-model', or it is private and needs an access token in HF_TOKEN (401)")]
    [InlineData(404, null, "has no repository 'someone/some-model', or it is private")]
    [InlineData(404, "RevisionNotFound", "has no revision 'main', expected a branch, a tag or a commit")]
    [InlineData(403, "GatedRepo", "is gated: accept its conditions at http://127.0.0.1:")]
    [InlineData(418, null, "refuses 'someone/some-model' of 'someone/some-model': 418")]
    public async Task A_refusal_says_what_to_do(int code, string? reason, string message)
    {
        Server.Answer = _ => new HubAnswer(code, "no"u8.ToArray()) { Headers = reason is null ? [] : new() { ["X-Error-Code"] = reason } };
        Assert.Contains(message, await FailureAsync(), StringComparison.Ordinal);
        Assert.Single(Server.Requests);
    }

    [Fact]
    public async Task A_hub_that_cannot_be_reached_is_named()
    {
        Uri address;
        using (var gone = new HubServer())
            address = gone.Address;
        Assert.StartsWith("127.0.0.1: ", await FailureAsync(options: Load with { Hub = Hub with { Endpoint = address } }), StringComparison.Ordinal);
        Assert.Equal(5, Clock.Pauses.Count);
    }

    [Theory]
    [InlineData("[]", "expected a JSON object")]
    [InlineData("<html>", "web page")]
    [InlineData("{\"siblings\": []}", "has no commit ('sha')")]
    [InlineData("{\"sha\": \"../../etc\", \"siblings\": []}", "has no commit ('sha')")]
    [InlineData("{\"sha\": \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}", "has no list of files ('siblings')")]
    public async Task A_listing_that_is_none_is_refused(string body, string message)
    {
        Server.Answer = _ => new HubAnswer(200, System.Text.Encoding.UTF8.GetBytes(body));
        Assert.Contains(message, await FailureAsync(), StringComparison.Ordinal);
    }

    [Theory, InlineData("\"../../../x\""), InlineData("W/\"1\""), InlineData("\"\"")]
    public async Task A_content_without_a_hash_is_refused(string etag)
    {
        AddControl();
        Server.Answer = request => request.Method == "HEAD" ? new HubAnswer(200, []) { Headers = { ["ETag"] = etag } } : null;
        Assert.Contains("expected those of a hub", await FailureAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_outside_of_the_repository_are_never_written()
    {
        AddControl();
        Server.Add("../../../../evil.json", "{}");
        Server.Add("unet/..\\evil.json", "{}");
        await DownloadAsync();
        Assert.DoesNotContain(Directory.EnumerateFiles(Folder.Path, "*", SearchOption.AllDirectories), file => file.Contains("evil", StringComparison.Ordinal));
    }
}
