namespace ControlNet.ML.Tests.Internal;

/// <summary>What killed processes leave behind goes; what living ones need stays.</summary>
public sealed class ScratchFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_a_killed_process_left_goes_and_what_a_living_one_needs_stays()
    {
        using var living = StorageProcess.Start(StorageProcess.Hold, _folder.Path);
        using var killed = StorageProcess.Start(StorageProcess.Hold, _folder.Path);
        var (theirs, left) = (living.StandardOutput.ReadLine()!, killed.StandardOutput.ReadLine()!);
        killed.Kill();
        killed.WaitForExit();
        Assert.True(File.Exists(Path.Combine(left, "content")));

        // One from before folders were held.
        Directory.CreateDirectory(_folder.File("old.part"));
        using (var mine = ScratchFolder.Create(_folder.Path))
        {
            Assert.Equal([mine.Path, theirs], Directory.GetDirectories(_folder.Path).Order().OrderBy(path => path == theirs));
            Assert.True(File.Exists(Path.Combine(theirs, "content")));

            // The same process's stay, too.
            using var another = ScratchFolder.Create(_folder.Path);
            Assert.True(Directory.Exists(mine.Path));
        }

        living.StandardInput.Close();
        living.WaitForExit();
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void A_link_among_the_leftovers_is_removed_and_its_target_kept()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege there.");
        using var other = new TemporaryFolder();
        other.Write("kept", [1]);
        Directory.CreateSymbolicLink(_folder.File("x.part"), other.Path);
        using (ScratchFolder.Create(_folder.Path))
            Assert.True(File.Exists(other.File("kept")));
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void A_folder_that_was_moved_away_stays_where_it_is()
    {
        var target = _folder.File("target");
        using (var scratch = ScratchFolder.Create(_folder.Path))
        {
            File.WriteAllText(scratch.File("content"), "whole");
            Directory.Move(scratch.Path, target);
        }

        Assert.Equal([target], Directory.GetFileSystemEntries(_folder.Path));
        Assert.Equal("whole", File.ReadAllText(Path.Combine(target, "content")));
    }

    [Fact]
    public void A_file_in_memory_holds_what_it_was_made_of_and_cannot_be_changed()
    {
        using var file = MemoryFile.TryCreate("test", [1, 2, 3], isCode: false);
        Assert.SkipWhen(file is null, "This system has none.");
        Assert.Equal([1, 2, 3], File.ReadAllBytes(file.Path));
        Assert.ThrowsAny<Exception>(() => File.WriteAllBytes(file.Path, [4]));
        Assert.Equal([1, 2, 3], File.ReadAllBytes(file.Path));
    }

    [Fact]
    public void A_runs_files_are_no_links()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege there.");
        var victim = _folder.Write("victim", [1, 2, 3]);
        File.CreateSymbolicLink(_folder.File("journal"), victim);
        foreach (var mode in new[] { FileMode.OpenOrCreate, FileMode.Append })
        {
            Assert.Contains("is a link", Assert.Throws<ControlNetException>(() => RunFile.Open(_folder.File("journal"), mode, FileShare.Read)).Message, StringComparison.Ordinal);
            using var own = RunFile.Open(_folder.File($"{mode}"), mode, FileShare.Read);
            own.WriteByte(1);
        }

        Assert.Equal([1, 2, 3], File.ReadAllBytes(victim));
    }
}
