using System.Diagnostics;
using ControlNet.ML.Torch.Verification;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Kernels;

/// <summary>
/// The chosen kernel of each operation. An operation is measured when it is first met, within a budget for the whole process, and keeps its
/// kernel from then on: the first image is computed as all later ones. Operations that the budget does not cover stay plain in this process
/// and are measured by a later one.
/// </summary>
internal sealed class KernelTable
{
    /// <summary>The folder of the cache.</summary>
    public const string Folder = "kernels";

    // Milliseconds of work that no kernel shortens noticeably are not worth measuring.
    private const double LeastFlops = 2e7;
    private const double BudgetSeconds = 3;

    private static readonly Lock Gate = new();
    private static readonly Dictionary<string, KernelTable> Tables = [];

    private readonly Lock _gate = new();
    private readonly Dictionary<KernelOperation, int> _chosen = [];
    private readonly Dictionary<string, KernelMeasurement> _measured = [];
    private readonly string? _key;
    private double _left;
    private bool _isChanged;

    /// <summary>A table that starts empty and is not cached.</summary>
    /// <param name="budget">Time for all measurements, in seconds.</param>
    public KernelTable(double budget = BudgetSeconds) => _left = budget;

    /// <summary>The table of a cache.</summary>
    /// <param name="key">Everything that the choice depends on.</param>
    /// <param name="budget">Time for all further measurements, in seconds.</param>
    public KernelTable(string key, double budget)
        : this(budget)
    {
        _key = key;
        foreach (var measurement in Read(key))
            _measured[measurement.Operation] = measurement;
    }

    /// <summary>The measurements, in the order of their operations' names.</summary>
    public IReadOnlyList<KernelMeasurement> Measurements
    {
        get
        {
            lock (_gate)
                return [.. _measured.Values.OrderBy(measurement => measurement.Operation, StringComparer.Ordinal)];
        }
    }

    /// <summary>Time that measurements have taken, in seconds.</summary>
    public double MeasuringSeconds { get; private set; }

    /// <summary>The table of this processor, these libraries and this number of threads, which all models of the process share.</summary>
    public static KernelTable OfThisMachine()
    {
        var key = TorchRuntime.CacheKey();
        lock (Gate)
        {
            if (!Tables.TryGetValue(key, out var table))
                Tables[key] = table = new KernelTable(key, BudgetSeconds);
            return table;
        }
    }

    /// <summary>Computes an operation with its kernel, which is chosen first if need be.</summary>
    public Tensor Run(KernelOperation operation, Tensor[] inputs) => operation.Run(Choose(operation, inputs), inputs);

    /// <summary>The kernel of an operation, which is measured first if need be.</summary>
    /// <returns>Its index.</returns>
    public int Choose(KernelOperation operation, Tensor[] inputs)
    {
        lock (_gate)
        {
            if (!_chosen.TryGetValue(operation, out var kernel))
                _chosen[operation] = kernel = Find(operation, inputs);
            return kernel;
        }
    }

    /// <summary>
    /// Caches what was measured since the last call, beside what other processes have cached; without a writable folder, nothing.
    /// </summary>
    public void Save()
    {
        lock (_gate)
        {
            if (!_isChanged || _key is null)
                return;
            foreach (var measurement in Read(_key))
                _measured.TryAdd(measurement.Operation, measurement);
            MachineCache.Write<KernelMeasurement[]>(Folder, _key, [.. _measured.Values]);
            _isChanged = false;
        }
    }

    /// <summary>The valid entries of a cache. A kernel that was found wrong, or is unknown, is not taken from one either.</summary>
    private static IEnumerable<KernelMeasurement> Read(string key) =>
        (MachineCache.Read<KernelMeasurement?[]>(Folder, key) ?? []).OfType<KernelMeasurement>().Where(IsValid);

    private static bool IsValid(KernelMeasurement measurement) =>
        measurement is { Operation: not null, Chosen: not null, Kernels: not null }
        && measurement.Kernels.Any(timing => timing is { IsRight: true } && timing.Kernel == measurement.Chosen);

    private int Find(KernelOperation operation, Tensor[] inputs)
    {
        if (operation.Kernels.Count == 1 || operation.Flops < LeastFlops)
            return 0;
        var name = operation.ToString();
        if (_measured.TryGetValue(name, out var known) && IndexOf(operation, known.Chosen) is >= 0 and var cached)
            return cached;
        if (_left <= 0)
            return 0;
        var clock = Stopwatch.StartNew();
        var measurement = KernelMeter.Measure(operation, inputs, _left);
        MeasuringSeconds += clock.Elapsed.TotalSeconds;
        _left -= clock.Elapsed.TotalSeconds;
        if (measurement is null)
            return 0;
        (_measured[name], _isChanged) = (measurement, true);
        return IndexOf(operation, measurement.Chosen);
    }

    private static int IndexOf(KernelOperation operation, string kernel) => operation.Kernels.ToList().IndexOf(kernel);
}
