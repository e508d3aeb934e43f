using System.Security.Cryptography;
using ControlNet.ML.Weights;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Weights;

public sealed class DigestCacheTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DigestCache _cache;

    public DigestCacheTests() => _cache = new DigestCache([Folder]);

    private string Folder => _folder.File("cache");

    public void Dispose() => _folder.Dispose();

    [Property(MaxTest = 30)]
    public void It_is_the_contents_digest_the_first_time_and_again(byte[] content)
    {
        var file = _folder.Write("weights", content);
        File.SetLastWriteTimeUtc(file, DateTime.UnixEpoch.AddSeconds(content.Sum(b => (long)b)));
        using var other = new TemporaryFolder();
        var cache = new DigestCache([other.Path]);
        Assert.Equal(Digest(content), cache.Of(file, default));
        Assert.Equal(Digest(content), cache.Of(file, default));
    }

    [Fact]
    public void A_file_is_read_again_only_when_its_length_or_time_is_another()
    {
        var file = Written([1, 2, 3], 0);
        var before = _cache.Of(file, default);
        Written([4, 5, 6], 0);
        Assert.Equal(before, _cache.Of(file, default));
        Written([4, 5, 6], 1);
        Assert.Equal(Digest([4, 5, 6]), _cache.Of(file, default));
        Written([4, 5, 6, 7], 0);
        Assert.Equal(Digest([4, 5, 6, 7]), _cache.Of(file, default));
    }

    [Fact]
    public void Of_a_link_it_is_the_digest_of_what_it_leads_to()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a right there.");
        var link = _folder.File("link");
        File.CreateSymbolicLink(link, Written([1, 2, 3], 0));
        Assert.Equal(Digest([1, 2, 3]), _cache.Of(link, default));
        Written([4, 5, 6, 7], 0);
        Assert.Equal(Digest([4, 5, 6, 7]), _cache.Of(link, default));
    }

    [Theory]
    [InlineData("")]
    [InlineData("abc")]
    [InlineData("zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz")]
    public void What_is_damaged_in_the_cache_is_made_anew(string damage)
    {
        var file = Written([1, 2, 3], 0);
        _cache.Of(file, default);
        File.WriteAllText(Assert.Single(Directory.GetFiles(Folder)), damage);
        Assert.Equal(Digest([1, 2, 3]), _cache.Of(file, default));
        Assert.Equal(Digest([1, 2, 3]), File.ReadAllText(Assert.Single(Directory.GetFiles(Folder))));
    }

    [Fact]
    public void Without_a_folder_to_keep_it_in_it_is_computed_all_the_same()
    {
        var file = Written([1, 2, 3], 0);
        _folder.Write("taken", []);
        Assert.Equal(Digest([1, 2, 3]), new DigestCache([_folder.File("taken")]).Of(file, default));
        Assert.Equal(Digest([1, 2, 3]), new DigestCache([_folder.File("taken"), Folder]).Of(file, default));
        Assert.Single(Directory.GetFiles(Folder));
    }

    [Fact]
    public void A_cancelled_reading_keeps_nothing_and_a_missing_file_is_named()
    {
        var file = Written([1, 2, 3], 0);
        Assert.Throws<OperationCanceledException>(() => _cache.Of(file, new CancellationToken(canceled: true)));
        Assert.False(Directory.Exists(Folder));
        Assert.Contains("nothing: cannot be read", Assert.Throws<ControlNetException>(() => _cache.Of(_folder.File("nothing"), default)).Message, StringComparison.Ordinal);
    }

    private static string Digest(byte[] content) => Convert.ToHexStringLower(SHA256.HashData(content));

    private string Written(byte[] content, int seconds)
    {
        var file = _folder.Write("weights", content);
        File.SetLastWriteTimeUtc(file, DateTime.UnixEpoch.AddSeconds(seconds));
        return file;
    }
}
