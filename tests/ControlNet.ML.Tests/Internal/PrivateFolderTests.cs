using System.Diagnostics;
using System.Runtime.Versioning;

namespace ControlNet.ML.Tests.Internal;

/// <summary>Folders that only the user can have filled, and the cache that takes no others.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class PrivateFolderTests : IDisposable
{
    private const UnixFileMode All = (UnixFileMode)0x1FF;
    private readonly TemporaryFolder _folder = new();

    public PrivateFolderTests() => Assert.SkipWhen(OperatingSystem.IsWindows(), "Access lists do it there.");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_new_folder_and_those_on_the_way_are_for_the_user_alone()
    {
        var path = _folder.File("a", "b", "c");
        PrivateFolder.Create(path);
        PrivateFolder.Create(path + "/");
        Assert.True(PrivateFolder.IsPrivate(path));
        Assert.All([path, _folder.File("a", "b"), _folder.File("a")], place => Assert.Equal((UnixFileMode)0x1C0, File.GetUnixFileMode(place)));
    }

    [Theory]
    [InlineData(UnixFileMode.OtherWrite)]
    [InlineData(UnixFileMode.GroupWrite)]
    [InlineData(UnixFileMode.OtherWrite | UnixFileMode.StickyBit)]
    public void A_folder_that_others_can_write_to_is_refused(UnixFileMode mode)
    {
        var path = _folder.File("a");
        Directory.CreateDirectory(path);
        File.SetUnixFileMode(path, File.GetUnixFileMode(path) | mode);
        Refuses(path, "others may write");
    }

    [Fact]
    public void So_is_one_on_the_way_but_for_the_sticky_bit()
    {
        var (way, path) = (_folder.File("a"), _folder.File("a", "b"));
        PrivateFolder.Create(path);
        File.SetUnixFileMode(way, All);
        Refuses(path, $"others may write to {way} ");
        File.SetUnixFileMode(way, All | UnixFileMode.StickyBit);
        PrivateFolder.Create(path);
    }

    [Fact]
    public void A_link_is_refused_and_one_on_the_way_followed()
    {
        var (real, link) = (_folder.File("real"), _folder.File("link"));
        PrivateFolder.Create(real);
        Directory.CreateSymbolicLink(link, real);
        Refuses(link, "is a link");
        PrivateFolder.Create(Path.Combine(link, "inner"));

        // What is behind a link on the way counts.
        File.SetUnixFileMode(real, All);
        Refuses(Path.Combine(link, "inner"), "others may write");

        var loop = _folder.File("loop");
        Directory.CreateSymbolicLink(loop, loop);
        Refuses(Path.Combine(loop, "inner"), "");
    }

    [Fact]
    public void Another_users_folder_or_link_is_refused()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root can give files away.");
        var (theirs, link) = (_folder.File("theirs"), _folder.File("link"));
        PrivateFolder.Create(theirs);
        PrivateFolder.Create(_folder.File("mine"));
        Directory.CreateSymbolicLink(link, _folder.File("mine"));
        Run("chown", "-h", "12345", theirs, link);
        Refuses(theirs, "belongs to another user");
        Refuses(Path.Combine(theirs, "inner"), "belongs to another user");
        Refuses(Path.Combine(link, "inner"), "belongs to another user");
    }

    [Fact]
    public void A_new_folder_takes_no_name_that_is_there()
    {
        PrivateFolder.CreateNew(_folder.File("new"), isPrivate: true);
        Assert.Equal((UnixFileMode)0x1C0, File.GetUnixFileMode(_folder.File("new")));
        Directory.CreateSymbolicLink(_folder.File("link"), _folder.File("new"));
        Assert.Contains("already exists", Assert.Throws<IOException>(() => PrivateFolder.CreateNew(_folder.File("new"), isPrivate: true)).Message, StringComparison.Ordinal);
        Assert.Contains("already exists", Assert.Throws<IOException>(() => PrivateFolder.CreateNew(_folder.File("link"), isPrivate: true)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_the_home_is_not_writable_a_name_that_nobody_took_serves_in_the_temporary_folder()
    {
        // Somebody has prepared the name that can be guessed.
        var shared = _folder.File("tmp");
        Directory.CreateDirectory(shared);
        File.SetUnixFileMode(shared, All | UnixFileMode.StickyBit);
        var planted = Path.Combine(shared, $"controlnet-ml-{Environment.UserName}");
        Directory.CreateDirectory(planted);
        File.SetUnixFileMode(planted, All);

        var taken = Taken(shared);
        Assert.StartsWith(planted + "-", taken, StringComparison.Ordinal);
        Assert.Equal((UnixFileMode)0x1C0, File.GetUnixFileMode(taken));
        Assert.Empty(Directory.GetFileSystemEntries(planted));

        // It is found again.
        Assert.Equal(taken, Taken(shared));

        // Where anyone can exchange folders, there is no place.
        File.SetUnixFileMode(shared, All);
        Assert.Contains("others may write to", Taken(shared), StringComparison.Ordinal);
    }

    private string Taken(string temporary)
    {
        var home = _folder.Write("home", []);
        using var process = StorageProcess.Start(
            StorageProcess.Take, "models", ("HOME", home), ("TMPDIR", temporary), ("XDG_CACHE_HOME", null), ("CONTROLNET_CACHE", null));
        var output = process.StandardOutput.ReadToEnd().TrimEnd();
        process.WaitForExit();
        return output;
    }

    private static void Refuses(string path, string reason)
    {
        var error = Assert.ThrowsAny<SystemException>(() => PrivateFolder.Create(path));
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.False(PrivateFolder.IsPrivate(path));
    }

    private static void Run(string command, params string[] arguments)
    {
        using var process = Process.Start(command, arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
