using System.Text.Json;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Components;

/// <summary>
/// The models and networks of loaded components. Components of a process that need the same files, loaded with the same options, share one
/// instance, which is freed when the last of them is disposed.
/// </summary>
internal static class SharedWeights
{
    private static readonly Lock Gate = new();
    private static readonly Dictionary<string, Entry> Open = [];

    /// <summary>Opens a model, after checking its files.</summary>
    /// <param name="reference">The reference that the component was saved with.</param>
    /// <param name="placed">The files, if the saved model contained them. They are released with the model.</param>
    /// <exception cref="ControlNetException">Files are missing or have changed, or there is no runtime.</exception>
    public static NetworkHandle<DiffusionModel> Model(WeightReference reference, PlacedWeights? placed = null) =>
        Take(reference, placed, "model", Load);

    /// <summary>Opens a control network, after checking its files.</summary>
    /// <param name="reference">The reference that the component was saved with.</param>
    /// <param name="placed">The files, if the saved model contained them. They are released with the network.</param>
    /// <exception cref="ControlNetException">Files are missing or have changed, or there is no runtime.</exception>
    public static NetworkHandle<ControlNetwork> Control(WeightReference reference, PlacedWeights? placed = null) =>
        Take(reference, placed, "control", to =>
            ControlNetwork.Load(to.Locate(name => ModelNames.FindControl(name, to.ToOptions())), to.ToOptions()));

    /// <summary>The placed files of a model or network, or null if it was opened otherwise.</summary>
    public static PlacedWeights? PlacedOf(IDisposable value)
    {
        lock (Gate)
            return Open.Values.FirstOrDefault(entry => ReferenceEquals(entry.Value, value))?.Placed;
    }

    private static DiffusionModel Load(WeightReference reference)
    {
        var options = reference.ToOptions();
        var model = DiffusionModel.Load(reference.Locate(name => ModelNames.FindModel(name, options)), options);
        try
        {
            // Their contents were never checked.
            if (model.Folder.Graphs is not null && !reference.HasGraphs)
                throw new ControlNetException(
                    $"{model.Name}: has ONNX graphs beside the weights that the model was saved with, and the application runs graphs "
                        + "only: add the package ControlNet.ML.Torch, or remove the graphs.");
            foreach (var adapter in reference.Adapters ?? [])
                adapter.Load(model);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private static NetworkHandle<T> Take<T>(WeightReference reference, PlacedWeights? placed, string type, Func<WeightReference, T> open)
        where T : IDisposable
    {
        var isKept = false;
        try
        {
            var toLoad = placed?.ToLoad() ?? reference;
            var key = $"{type} {JsonSerializer.Serialize(toLoad)}";
            lock (Gate)
            {
                if (!Open.TryGetValue(key, out var entry))
                {
                    Open.Add(key, entry = new Entry(open(toLoad), placed));
                    isKept = true;
                }

                entry.Users++;
                return new NetworkHandle<T>((T)entry.Value, () => Release(key));
            }
        }
        finally
        {
            if (!isKept)
                placed?.Dispose();
        }
    }

    private static void Release(string key)
    {
        lock (Gate)
        {
            var entry = Open[key];
            if (--entry.Users > 0)
                return;
            Open.Remove(key);
            entry.Value.Dispose();
            entry.Placed?.Dispose();
        }
    }

    private sealed class Entry(IDisposable value, PlacedWeights? placed)
    {
        public IDisposable Value { get; } = value;

        public PlacedWeights? Placed { get; } = placed;

        public int Users { get; set; }
    }
}
