using ControlNet.ML.Cli.Scoring;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace ControlNet.ML.Cli.Tests.Scoring;

public sealed class ShardTests
{
    [Property]
    public Property Every_row_is_in_one_shard_and_each_knows_how_many_it_has(byte count, ushort rows)
    {
        var shards = Enumerable.Range(0, (count % 40) + 1).Select(index => new Shard(index, (count % 40) + 1)).ToArray();
        var owners = Enumerable.Range(0, rows % 500).Select(row => shards.Single(shard => shard.Has(row)).Index).ToArray();
        return shards.All(shard => shard.RowsOf(rows % 500) == owners.Count(owner => owner == shard.Index)).ToProperty();
    }

    [Theory]
    [InlineData("3/16", null, "", "-0003-of-0016")]
    [InlineData("0/1", null, "SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_COUNT=16", "")]
    [InlineData(null, null, "", "")]
    [InlineData(null, null, "SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_COUNT=16 SLURM_ARRAY_TASK_MIN=0", "-0003-of-0016")]
    [InlineData(null, null, "SLURM_ARRAY_TASK_ID=4 SLURM_ARRAY_TASK_COUNT=16 SLURM_ARRAY_TASK_MIN=1", "-0003-of-0016")]
    [InlineData(null, 16, "SLURM_ARRAY_TASK_ID=16 SLURM_ARRAY_TASK_COUNT=16 SLURM_ARRAY_TASK_MIN=1", "-0015-of-0016")]
    [InlineData(null, null, "SLURM_ARRAY_TASK_ID=30 SLURM_ARRAY_TASK_COUNT=16 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_STEP=2", "-0015-of-0016")]
    [InlineData(null, 4, "JOB_COMPLETION_INDEX=2", "-0002-of-0004")]
    [InlineData(null, null, "JOB_COMPLETION_INDEX=2", "")]
    [InlineData(null, 1, "", "")]
    public void It_is_taken_from_the_command_line_or_the_job(string? shard, int? shards, string environment, string suffix) =>
        Assert.Equal(suffix, Shard.Find(shard, shards, Variables(environment)).Suffix);

    [Theory]
    [InlineData("16/16", null, "", "an index from 0")]
    [InlineData("3", null, "", "INDEX/COUNT")]
    [InlineData("1/2", 2, "", "both give the number of shards")]
    [InlineData(null, 0, "", "--shards is 0")]
    [InlineData(null, 4, "", "neither is set")]
    [InlineData(null, 4, "JOB_COMPLETION_INDEX=4", "is not a valid shard")]
    [InlineData(null, 4, "JOB_COMPLETION_INDEX=x", "expected an integer")]
    [InlineData(null, 16, "SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_COUNT=1 SLURM_ARRAY_TASK_MIN=3", "--shard INDEX/16")]
    [InlineData(null, null, "SLURM_ARRAY_TASK_ID=9 SLURM_ARRAY_TASK_COUNT=3 SLURM_ARRAY_TASK_MIN=1", "is not a valid shard")]
    [InlineData(null, null, "SLURM_ARRAY_TASK_ID=9", "SLURM_ARRAY_TASK_COUNT is not")]
    public void What_does_not_fit_together_is_refused(string? shard, int? shards, string environment, string message) =>
        Assert.Contains(message, Assert.Throws<UsageException>(() => Shard.Find(shard, shards, Variables(environment))).Message);

    private static Func<string, string?> Variables(string text)
    {
        var set = text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(pair => pair.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]);
        return name => set.GetValueOrDefault(name);
    }
}
