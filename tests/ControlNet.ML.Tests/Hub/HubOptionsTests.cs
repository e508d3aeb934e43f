using ControlNet.ML.Hub;

namespace ControlNet.ML.Tests.Hub;

public sealed class HubOptionsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Without_variables_it_is_the_hub_and_the_users_cache()
    {
        var options = From([]);
        Assert.Equal("https://huggingface.co/", options.Endpoint.AbsoluteUri);
        Assert.Equal(Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache", "huggingface", "hub"), options.CacheFolder);
        Assert.False(options.IsOffline);
    }

    [Fact]
    public void The_cache_is_where_the_variables_say()
    {
        Assert.Equal(_folder.File("home", "hub"), From(new() { ["HF_HOME"] = _folder.File("home") }).CacheFolder);
        Assert.Equal(_folder.File("huggingface", "hub"), From(new() { ["XDG_CACHE_HOME"] = _folder.Path }).CacheFolder);
        Assert.Equal(_folder.File("cache"), From(new() { ["HF_HOME"] = _folder.File("home"), ["HF_HUB_CACHE"] = _folder.File("cache") }).CacheFolder);
        Assert.Equal(Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), "models"), From(new() { ["HF_HUB_CACHE"] = "~/models" }).CacheFolder);
    }

    [Fact]
    public void The_token_is_the_variables_or_the_files()
    {
        _folder.Write("token", "hf_file\n"u8.ToArray());
        Dictionary<string, string> variables = new() { ["HF_HOME"] = _folder.Path };
        Assert.Equal("hf_file", From(variables).Token);
        Assert.Equal("hf_variable", From(new(variables) { ["HF_TOKEN"] = " hf_variable " }).Token);
        Assert.Null(From(new(variables) { ["HF_HUB_DISABLE_IMPLICIT_TOKEN"] = "1" }).Token);
        Assert.Null(From(new(variables) { ["HF_TOKEN_PATH"] = _folder.File("none") }).Token);
    }

    [Theory, InlineData("1", true), InlineData("true", true), InlineData("YES", true), InlineData("0", false), InlineData("", false)]
    public void Offline_is_written_as_for_Python(string value, bool expected) => Assert.Equal(expected, From(new() { ["HF_HUB_OFFLINE"] = value }).IsOffline);

    [Theory, InlineData("huggingface.co"), InlineData("file:///etc"), InlineData("https://me:secret@hub.example"), InlineData("https://hub.example?x=1")]
    public void An_endpoint_that_is_no_web_address_is_refused(string value) =>
        Assert.StartsWith("HF_ENDPOINT is ", Assert.Throws<ControlNetException>(() => From(new() { ["HF_ENDPOINT"] = value })).Message, StringComparison.Ordinal);

    private static HubOptions From(Dictionary<string, string> variables) => HubOptions.From(variables.GetValueOrDefault);
}
