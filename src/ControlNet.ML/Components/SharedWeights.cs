using System.Text.Json;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Components;

/// <summary>
/// The models and networks of loaded components. Whatever the components of a process need of the same files, loaded in the same way, is
/// opened once, and freed when the last of them is disposed.
/// </summary>
internal static class SharedWeights
{
    private static readonly Lock Gate = new();
    private static readonly Dictionary<string, Entry> Open = [];

    /// <summary>A model, after a look at its files.</summary>
    /// <exception cref="ControlNetException">Its files are missing or others, or there is no runtime.</exception>
    public static Lease<DiffusionModel> Model(WeightReference reference) =>
        Take(reference, "model", () => DiffusionModel.Load(reference.Find(ModelNames.FindModel), reference.ToOptions()), model => model.Gate);

    /// <summary>A control network, after a look at its files.</summary>
    /// <exception cref="ControlNetException">Its files are missing or others, or there is no runtime.</exception>
    public static Lease<ControlNetwork> Control(WeightReference reference) =>
        Take(reference, "control", () => ControlNetwork.Load(reference.Find(ModelNames.FindControl), reference.ToOptions()), network => network.Gate);

    private static Lease<T> Take<T>(WeightReference reference, string kind, Func<T> open, Func<T, Lock> gate)
        where T : IDisposable
    {
        var key = $"{kind} {JsonSerializer.Serialize(reference)}";
        lock (Gate)
        {
            if (!Open.TryGetValue(key, out var entry))
                Open.Add(key, entry = new Entry(open()));
            entry.Users++;
            return new Lease<T>((T)entry.Value, () => GiveBack(key, gate((T)entry.Value)));
        }
    }

    private static void GiveBack(string key, Lock gate)
    {
        IDisposable unused;
        lock (Gate)
        {
            var entry = Open[key];
            if (--entry.Users > 0)
                return;
            Open.Remove(key);
            unused = entry.Value;
        }

        // Another thread may still be making a row.
        lock (gate)
            unused.Dispose();
    }

    private sealed class Entry(IDisposable value)
    {
        public IDisposable Value { get; } = value;

        public int Users { get; set; }
    }
}
