using System.Globalization;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>The part of a table that one process scores: the rows whose number modulo Count is Index.</summary>
/// <param name="Index">The shard's index, from 0.</param>
/// <param name="Count">The number of shards.</param>
internal sealed record Shard(int Index, int Count)
{
    /// <summary>The maximum number of shards.</summary>
    public const int Most = 9999;

    /// <summary>The whole table.</summary>
    public static Shard Whole { get; } = new(0, 1);

    /// <summary>The suffix of its file names: empty for the whole table, <c>-0003-of-0016</c> for a part.</summary>
    public string Suffix => Count == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $"-{Index:0000}-of-{Count:0000}");

    /// <summary>Whether a row is in it.</summary>
    public bool Has(long row) => row % Count == Index;

    /// <summary>The number of a table's rows that are in it.</summary>
    public long RowsOf(long rows) => (rows - Index + Count - 1) / Count;

    /// <summary>Finds the shard from the command line, or from the environment of a Slurm array job or an indexed Kubernetes job.</summary>
    /// <param name="shard">INDEX/COUNT, or null.</param>
    /// <param name="count">The number of shards if the job gives the index, or null.</param>
    /// <param name="environment">Returns the value of an environment variable, or null if it is not set.</param>
    /// <exception cref="UsageException">A value cannot be parsed, or the values contradict each other.</exception>
    public static Shard Find(string? shard, int? count, Func<string, string?> environment)
    {
        if (shard is not null)
        {
            return count is null
                ? Parse(shard)
                : throw new UsageException("--shard INDEX/COUNT and --shards both give the number of shards, expected one of them.");
        }

        if (count is < 1 or > Most)
            throw new UsageException($"--shards is {count}, expected 1 to {Most:N0}.");
        if (Number(environment, "SLURM_ARRAY_TASK_ID") is { } task)
            return OfSlurm(task, count, environment);
        if (count is null or 1)
            return Whole;
        var index = Number(environment, "JOB_COMPLETION_INDEX")
            ?? throw new UsageException(
                "--shards takes the index from SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX, but neither is set: use --shard INDEX/COUNT.");
        return Checked($"JOB_COMPLETION_INDEX {index} of --shards {count}", index, count.Value);
    }

    /// <summary>
    /// An array may begin at any index and have any step. An array with gaps, to repeat some tasks, does not tell which shard a task had.
    /// </summary>
    private static Shard OfSlurm(int task, int? count, Func<string, string?> environment)
    {
        var tasks = Number(environment, "SLURM_ARRAY_TASK_COUNT") ?? count
            ?? throw new UsageException("SLURM_ARRAY_TASK_ID is set but SLURM_ARRAY_TASK_COUNT is not: use --shard INDEX/COUNT.");
        var (first, step) = (Number(environment, "SLURM_ARRAY_TASK_MIN") ?? 0, Number(environment, "SLURM_ARRAY_TASK_STEP") ?? 1);
        var what = $"task {task} of Slurm's array of {tasks} from {first}";
        if (count is { } wanted && wanted != tasks)
            throw new UsageException($"{what} does not match --shards {wanted}: use --shard INDEX/{wanted}.");
        if (step < 1 || (task - first) % step != 0)
            throw new UsageException($"{what} does not tell which shard it is: use --shard INDEX/COUNT.");
        return Checked(what, (task - first) / step, tasks);
    }

    private static Shard Parse(string text)
    {
        var parts = text.Split('/');
        return parts.Length == 2 && Integer(parts[0]) is { } index && Integer(parts[1]) is { } count
            ? Checked($"--shard '{text}'", index, count)
            : throw new UsageException($"--shard '{text}' cannot be parsed, expected INDEX/COUNT with the index from 0.");
    }

    private static Shard Checked(string what, int index, int count) =>
        count is >= 1 and <= Most && index >= 0 && index < count
            ? new Shard(index, count)
            : throw new UsageException(
                $"{what} is not a valid shard, expected an index from 0 to the count minus 1, and a count of 1 to {Most:N0}.");

    private static int? Number(Func<string, string?> environment, string name)
    {
        if (environment(name) is not { Length: > 0 } text)
            return null;
        return Integer(text) ?? throw new UsageException($"The environment variable {name} is '{text}', expected an integer.");
    }

    private static int? Integer(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;
}
