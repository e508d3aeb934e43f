using ControlNet.ML.Weights;

namespace ControlNet.ML.Components;

/// <summary>Opens the networks that a saved component refers to, and releases them if creating the component fails.</summary>
internal sealed class NetworkHandles
{
    private readonly List<IDisposable> _taken = [];
    private readonly ModelReader _reader;

    private NetworkHandles(ModelReader reader) => _reader = reader;

    /// <summary>The opened networks, for the component to dispose.</summary>
    public IReadOnlyList<IDisposable> Taken => _taken;

    /// <summary>Creates a component.</summary>
    /// <param name="reader">The component's entries, which may contain weights.</param>
    /// <param name="make">Creates it from the handles.</param>
    public static T Open<T>(ModelReader reader, Func<NetworkHandles, T> make)
    {
        var handles = new NetworkHandles(reader);
        try
        {
            return make(handles);
        }
        catch
        {
            handles._taken.ForEach(handle => handle.Dispose());
            throw;
        }
    }

    /// <summary>Opens a model.</summary>
    public DiffusionModel Model(WeightReference reference) => Keep(SharedWeights.Model(Checked(reference), Place(reference)));

    /// <summary>Opens a control network.</summary>
    public ControlNetwork Control(WeightReference reference) => Keep(SharedWeights.Control(Checked(reference), Place(reference)));

    /// <summary>Opens the networks of controls.</summary>
    public ControlColumn[] Controls(IEnumerable<ControlSettings> settings) =>
        [.. settings.Select(control => control.With(Control(control.Network)))];

    private static WeightReference Checked(WeightReference reference)
    {
        reference.Check();
        return reference;
    }

    /// <summary>Places weights inside the saved model where they can be opened.</summary>
    private PlacedWeights? Place(WeightReference reference) => reference.Inside is null ? null : InsideWeights.Place(_reader, reference);

    private T Keep<T>(NetworkHandle<T> handle)
    {
        _taken.Add(handle);
        return handle.Value;
    }
}
