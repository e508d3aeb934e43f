using System.Globalization;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>A part of a table that one process scores: the rows whose number leaves a remainder.</summary>
/// <param name="Index">Which, from 0.</param>
/// <param name="Count">How many there are.</param>
internal sealed record Shard(int Index, int Count)
{
    /// <summary>The most shards of a run.</summary>
    public const int Most = 9999;

    /// <summary>The whole table.</summary>
    public static Shard Whole { get; } = new(0, 1);

    /// <summary>What its files' names end in: nothing for the whole table, <c>-0003-of-0016</c> for a part.</summary>
    public string Suffix => Count == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $"-{Index:0000}-of-{Count:0000}");

    /// <summary>Whether a row is in it.</summary>
    public bool Has(long row) => row % Count == Index;

    /// <summary>How many of a table's rows are in it.</summary>
    public long RowsOf(long rows) => (rows - Index + Count - 1) / Count;

    /// <summary>Takes it from the command line, or from what the array job of Slurm or the indexed job of Kubernetes says.</summary>
    /// <param name="shard">INDEX/COUNT, or null.</param>
    /// <param name="count">How many, where the index comes from the job, or null.</param>
    /// <param name="environment">The value of an environment variable, null where it is not set.</param>
    /// <exception cref="UsageException">It cannot be read, or what is said does not fit together.</exception>
    public static Shard Find(string? shard, int? count, Func<string, string?> environment)
    {
        if (shard is not null)
        {
            return count is null
                ? Parse(shard)
                : throw new UsageException("--shard says how many shards there are: --shards is for an index that the job says.");
        }

        if (count is < 1 or > Most)
            throw new UsageException($"--shards is {count}, expected 1 to {Most:N0}.");
        if (Number(environment, "SLURM_ARRAY_TASK_ID") is { } task)
            return OfSlurm(task, count, environment);
        if (count is null or 1)
            return Whole;
        var index = Number(environment, "JOB_COMPLETION_INDEX")
            ?? throw new UsageException("--shards takes the index from SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX, and neither is set: say it with --shard INDEX/COUNT.");
        return Checked($"JOB_COMPLETION_INDEX {index} of --shards {count}", index, count.Value);
    }

    /// <summary>Arrays may begin at any number and go in steps. One that leaves numbers out, to repeat some tasks, does not say which part a task had.</summary>
    private static Shard OfSlurm(int task, int? count, Func<string, string?> environment)
    {
        var tasks = Number(environment, "SLURM_ARRAY_TASK_COUNT") ?? count
            ?? throw new UsageException("SLURM_ARRAY_TASK_ID is set and SLURM_ARRAY_TASK_COUNT is not: say the shard with --shard INDEX/COUNT.");
        var (first, step) = (Number(environment, "SLURM_ARRAY_TASK_MIN") ?? 0, Number(environment, "SLURM_ARRAY_TASK_STEP") ?? 1);
        var what = $"task {task} of Slurm's array of {tasks} from {first}";
        if (count is { } wanted && wanted != tasks)
            throw new UsageException($"{what} is no part of --shards {wanted}: say it with --shard INDEX/{wanted}.");
        if (step < 1 || (task - first) % step != 0)
            throw new UsageException($"{what} does not say which shard it is: say it with --shard INDEX/COUNT.");
        return Checked(what, (task - first) / step, tasks);
    }

    private static Shard Parse(string text)
    {
        var parts = text.Split('/');
        return parts.Length == 2 && Integer(parts[0]) is { } index && Integer(parts[1]) is { } count
            ? Checked($"--shard '{text}'", index, count)
            : throw new UsageException($"--shard '{text}' cannot be read, expected INDEX/COUNT, the index from 0.");
    }

    private static Shard Checked(string what, int index, int count) =>
        count is >= 1 and <= Most && index >= 0 && index < count
            ? new Shard(index, count)
            : throw new UsageException($"{what} is no shard: expected an index from 0 to the count less 1, and a count of 1 to {Most:N0}.");

    private static int? Number(Func<string, string?> environment, string name)
    {
        if (environment(name) is not { Length: > 0 } text)
            return null;
        return Integer(text) ?? throw new UsageException($"The environment variable {name} is '{text}', expected a whole number.");
    }

    private static int? Integer(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;
}
