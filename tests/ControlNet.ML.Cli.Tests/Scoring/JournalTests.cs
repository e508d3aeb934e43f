using System.Text;
using ControlNet.ML.Cli.Scoring;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace ControlNet.ML.Cli.Tests.Scoring;

public sealed class JournalTests
{
    private static readonly Dictionary<string, string> Provenance = new() { ["prompt"] = "a \"b\"\nc" };

    [Property(MaxTest = 200)]
    public Property A_torn_end_is_cut_off_and_what_is_whole_stays(DoNotSize<ushort> where, byte rubbish)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("j");
        using (var journal = Journal.Open(path, Shard.Whole, 9))
            journal.Append([.. Enumerable.Range(0, 6).Select(row => Entry(row))]);
        var whole = File.ReadAllBytes(path);
        var cut = where.Item % (whole.Length + 1);
        File.WriteAllBytes(path, [.. whole[..cut], .. Enumerable.Repeat((byte)0, rubbish % 5)]);
        var lines = whole[..cut].Count(b => b == '\n');

        using (var journal = Journal.Open(path, Shard.Whole, 9))
        {
            Assert.Equal(Enumerable.Range(0, 9).Select(row => row < lines), Enumerable.Range(0, 9).Select(row => journal.Has(row)));
            journal.Append(Entry(8));
        }

        using var again = Journal.Open(path, Shard.Whole, 9);
        return (again.Has(8) && again.Succeeded + again.Failed == lines + 1).ToProperty();
    }

    [Theory]
    [InlineData("{\"row\":0,\"error\":\"x\"}\nnonsense\n{\"row\":1,\"error\":\"x\"}\n", "line 2 is damaged")]
    [InlineData("nonsense\n{\"row\":1,\"er", "line 1 is damaged")]
    [InlineData("{\"row\":0,\"error\":\"x\"}\n{\"row\":0,\"error\":\"x\"}\n", "row 0 occurs twice")]
    [InlineData("{\"row\":9,\"error\":\"x\"}\n", "row 9 belongs to another shard or table")]
    public void Damage_before_the_end_is_an_error_and_changes_nothing(string text, string message)
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write("j", Encoding.UTF8.GetBytes(text));
        Assert.Contains(message, Assert.Throws<ControlNetException>(() => Journal.Open(path, Shard.Whole, 9)).Message);
        Assert.Equal(text, File.ReadAllText(path));
    }

    [Fact]
    public void Lines_longer_than_the_buffer_are_read()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("j");
        var entry = new JournalEntry(3, 1, 0.5, null, new Dictionary<string, string> { ["prompt"] = new('x', 200_000) });
        using (var journal = Journal.Open(path, Shard.Whole, 9))
            journal.Append(Entry(0), entry, Entry(1));
        using var stream = File.OpenRead(path);
        Assert.Equal([0L, 3L, 1L], JournalLines.Read(stream, path).Select(line => line.Entry.Row));
    }

    [Fact]
    public void Failures_are_forgotten_and_the_rest_stays()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("j");
        using (var journal = Journal.Open(path, Shard.Whole, 9))
            journal.Append([.. Enumerable.Range(0, 6).Select(row => Entry(row))]);
        Journal.Forget(path, entry => entry.Error is not null);
        using var left = Journal.Open(path, Shard.Whole, 9);
        Assert.Equal((4, 0), (left.Succeeded, left.Failed));
    }

    private static JournalEntry Entry(long row) => row % 3 == 2 ? new(row, null, 0, "column 'x': wrong", null) : new(row, (ulong)row, 0.25, null, Provenance);
}
