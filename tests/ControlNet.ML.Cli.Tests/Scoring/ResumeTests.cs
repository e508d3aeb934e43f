using ControlNet.ML.Cli.Scoring;
using ControlNet.ML.Imaging;
using FsCheck;
using FsCheck.Xunit;

namespace ControlNet.ML.Cli.Tests.Scoring;

/// <summary>A crash at any moment leaves a journal that is cut anywhere, and images that may be half.</summary>
public sealed class ResumeTests : IDisposable
{
    private const string Rows = "prompt,photo,width,scale\na,0.png,16,1\nb,1.png,8,1\nc,missing.png,16,1\nd,2.png,16,1\ne,0.png,8,1\nf,1.png,wide,1\ng,2.png,16,1\nj,1.png,16,1e39\nh,0.png,16,1\ni,1.png,8,1\n";

    private readonly ScoreFolder _whole = new(Rows);
    private readonly byte[] _journal;

    public ResumeTests()
    {
        Assert.Equal(App.SomeFailed, _whole.RunAsync(Batched).GetAwaiter().GetResult().Code);
        Assert.Equal(7, Directory.EnumerateFiles(Path.Combine(_whole.Out, "pictures")).Select(file => Convert.ToHexString(ImageCodec.Load(file).Samples)).Distinct().Count());
        _journal = File.ReadAllBytes(Path.Combine(_whole.Out, "journal.jsonl"));
    }

    public void Dispose() => _whole.Dispose();

    [Property(MaxTest = 30)]
    public void Whatever_the_journal_ends_in_the_run_is_completed_as_if_nothing_had_happened(DoNotSize<ushort> where)
    {
        // 1. as a crash leaves it: the journal torn, of the images behind it some half, some there, the rest not
        var cut = where.Item % (_journal.Length + 1);
        using var folder = new ScoreFolder(Rows);
        File.SetLastWriteTimeUtc(folder.Table, DateTime.UnixEpoch);
        Directory.CreateDirectory(Path.Combine(folder.Out, "pictures"));
        File.Copy(Path.Combine(_whole.Out, "run.json"), Path.Combine(folder.Out, "run.json"));
        File.WriteAllBytes(Path.Combine(folder.Out, "journal.jsonl"), _journal[..cut]);
        var kept = Entries(folder.Out);
        foreach (var image in Directory.EnumerateFiles(Path.Combine(_whole.Out, "pictures")))
        {
            var (name, row) = (Path.Combine(folder.Out, "pictures", Path.GetFileName(image)), long.Parse(Path.GetFileNameWithoutExtension(image)));
            if (kept.Contains(row))
                File.Copy(image, name);
            else if (row % 2 == 0)
                File.WriteAllBytes($"{name}.part", File.ReadAllBytes(image)[..20]);
        }

        // 2. the same command again
        Assert.Equal(App.SomeFailed, folder.RunAsync(Batched).GetAwaiter().GetResult().Code);

        // 3. everything as in the undisturbed run; every row once
        Assert.Equal(_whole.Files(_whole.Out), folder.Files(folder.Out));
        foreach (var image in Directory.EnumerateFiles(Path.Combine(_whole.Out, "pictures")))
            Assert.Equal(File.ReadAllBytes(image), File.ReadAllBytes(Path.Combine(folder.Out, "pictures", Path.GetFileName(image))));
        Assert.Equal(Lines(_whole, folder), Lines(folder, folder));
        Assert.Equal(Enumerable.Range(0, 10).Select(row => (long)row), Entries(folder.Out).Order());
        Assert.StartsWith(string.Join(',', kept), string.Join(',', Entries(folder.Out)), StringComparison.Ordinal);
    }

    private static ScoreSettings Batched(ScoreSettings settings) => settings with { Batch = 2 };

    /// <summary>The results; errors name files, of which those kept in the journal lie in the first run's folder.</summary>
    private string[] Lines(ScoreFolder of, ScoreFolder other) =>
        [.. ScoreFolder.Results(Path.Combine(of.Out, "results.csv")).Select(row => string.Join('|', row).Replace(_whole.File_(), "").Replace(other.File_(), ""))];

    private static List<long> Entries(string folder)
    {
        using var stream = File.OpenRead(Path.Combine(folder, "journal.jsonl"));
        return [.. JournalLines.Read(stream, "journal").Select(line => line.Entry.Row)];
    }
}
