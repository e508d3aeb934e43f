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
        Take(reference, "model", () => DiffusionModel.Load(reference.Locate(ModelNames.FindModel), reference.ToOptions()));

    /// <summary>A control network, after a look at its files.</summary>
    /// <exception cref="ControlNetException">Its files are missing or others, or there is no runtime.</exception>
    public static Lease<ControlNetwork> Control(WeightReference reference) =>
        Take(reference, "control", () => ControlNetwork.Load(reference.Locate(ModelNames.FindControl), reference.ToOptions()));

    private static Lease<T> Take<T>(WeightReference reference, string kind, Func<T> open)
        where T : IDisposable
    {
        var key = $"{kind} {JsonSerializer.Serialize(reference)}";
        lock (Gate)
        {
            if (!Open.TryGetValue(key, out var entry))
                Open.Add(key, entry = new Entry(open()));
            entry.Users++;
            return new Lease<T>((T)entry.Value, () => GiveBack(key));
        }
    }

    private static void GiveBack(string key)
    {
        lock (Gate)
        {
            var entry = Open[key];
            if (--entry.Users > 0)
                return;
            Open.Remove(key);
            entry.Value.Dispose();
        }
    }

    private sealed class Entry(IDisposable value)
    {
        public IDisposable Value { get; } = value;

        public int Users { get; set; }
    }
}
