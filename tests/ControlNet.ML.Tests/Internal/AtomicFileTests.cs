using System.Runtime.Versioning;

namespace ControlNet.ML.Tests.Internal;

/// <summary>What a user's file can meet under its temporary name, and what becomes of it.</summary>
public sealed class AtomicFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Target => _folder.File("results.csv");

    private string Part => Target + ".part";

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_link_under_the_temporary_name_is_removed_and_its_target_kept()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege there.");
        var victim = _folder.Write("victim", [1, 2, 3]);
        foreach (var target in new[] { victim, _folder.File("nowhere") })
        {
            File.CreateSymbolicLink(Part, target);
            Write([9]);
            Assert.Equal([1, 2, 3], File.ReadAllBytes(victim));
            Assert.False(File.Exists(_folder.File("nowhere")));
            Assert.Equal([9], File.ReadAllBytes(Target));
            Assert.Null(File.ResolveLinkTarget(Target, returnFinalTarget: false));
            Assert.False(Path.Exists(Part));
        }

        // A second name of the same file is taken away, too: nothing is written into what was there.
        Hard(victim, Part);
        Write([8]);
        Assert.Equal([1, 2, 3], File.ReadAllBytes(victim));
    }

    [Fact]
    public void What_a_crash_left_does_not_stand_in_the_way()
    {
        File.WriteAllBytes(Part, new byte[1000]);
        Write([9]);
        Assert.Equal([9], File.ReadAllBytes(Target));
        Assert.Equal([Target], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void A_part_that_somebody_writes_stays_theirs()
    {
        AtomicFile.Write(Target, stream =>
        {
            stream.WriteByte(1);
            stream.Flush();
            Write([2]);
            Assert.Equal([2], File.ReadAllBytes(Target));
        });
        Assert.Equal([1], File.ReadAllBytes(Target));
        Assert.Equal([Target], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void A_folder_under_the_temporary_name_is_left_alone()
    {
        Directory.CreateDirectory(Part);
        Write([9]);
        Assert.Equal([9], File.ReadAllBytes(Target));
        Assert.Equal([Target, Part], Directory.GetFileSystemEntries(_folder.Path).Order());
    }

    [Fact]
    public void A_writer_that_fails_leaves_the_target_as_it_was()
    {
        Write([1]);
        Assert.Throws<FormatException>(() => AtomicFile.Write(Target, stream =>
        {
            stream.WriteByte(2);
            throw new FormatException();
        }));
        Assert.Equal([1], File.ReadAllBytes(Target));
        Assert.Equal([Target], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void Of_many_that_write_one_file_each_writes_all_of_it()
    {
        var contents = Enumerable.Range(0, 16).Select(i => Enumerable.Repeat((byte)i, 100_000).ToArray()).ToArray();
        Parallel.ForEach(contents, content => AtomicFile.Write(Target, stream => stream.Write(content)));
        var found = File.ReadAllBytes(Target);
        Assert.Contains(contents, found.SequenceEqual);
        Assert.Equal([Target], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void Of_several_that_write_a_new_file_one_does()
    {
        var written = 0;
        Parallel.For(0, 8, i =>
        {
            if (AtomicFile.WriteNew(Target, stream => stream.WriteByte((byte)i)))
                Interlocked.Increment(ref written);
        });
        Assert.Equal(1, written);
        Assert.Equal([Target], Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact, UnsupportedOSPlatform("windows")]
    public void A_cache_is_for_the_user_alone()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There are no modes.");
        AtomicFile.WriteCache(Target, stream => stream.WriteByte(1));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Target));
    }

    [Fact]
    public void A_missing_folder_is_named() =>
        Assert.Contains(
            "its folder does not exist",
            Assert.Throws<ControlNetException>(() => AtomicFile.Write(_folder.File("none", "x"), stream => stream.WriteByte(1))).Message, StringComparison.Ordinal);

    private void Write(byte[] content) => AtomicFile.Write(Target, stream => stream.Write(content));

    private static void Hard(string file, string name)
    {
        using var process = System.Diagnostics.Process.Start("ln", [file, name]);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
