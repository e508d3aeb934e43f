using ControlNet.ML.Weights;

namespace ControlNet.ML.Components;

/// <summary>Takes what a loaded component needs, and gives all of it back if the component cannot be made.</summary>
internal sealed class Leases
{
    private readonly List<IDisposable> _taken = [];
    private readonly ModelReader _reader;

    private Leases(ModelReader reader) => _reader = reader;

    /// <summary>What was taken, to be disposed by the component.</summary>
    public IReadOnlyList<IDisposable> Taken => _taken;

    /// <summary>Makes a component.</summary>
    /// <param name="reader">Its entries, which may hold weights.</param>
    /// <param name="make">Makes it.</param>
    public static T Open<T>(ModelReader reader, Func<Leases, T> make)
    {
        var leases = new Leases(reader);
        try
        {
            return make(leases);
        }
        catch
        {
            leases._taken.ForEach(lease => lease.Dispose());
            throw;
        }
    }

    /// <summary>A model.</summary>
    public DiffusionModel Model(WeightReference reference) => Keep(SharedWeights.Model(Checked(reference), Place(reference)));

    /// <summary>A control network.</summary>
    public ControlNetwork Control(WeightReference reference) => Keep(SharedWeights.Control(Checked(reference), Place(reference)));

    /// <summary>Controls with their networks.</summary>
    public ControlColumn[] Controls(IEnumerable<ControlSettings> settings) => [.. settings.Select(control => control.With(Control(control.Network)))];

    private static WeightReference Checked(WeightReference reference)
    {
        reference.Check();
        return reference;
    }

    /// <summary>Weights that the component itself holds are put where they can be opened.</summary>
    private PlacedWeights? Place(WeightReference reference) => reference.Inside is null ? null : InsideWeights.Place(_reader, reference);

    private T Keep<T>(Lease<T> lease)
    {
        _taken.Add(lease);
        return lease.Value;
    }
}
