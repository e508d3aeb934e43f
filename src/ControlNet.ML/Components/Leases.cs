using ControlNet.ML.Weights;

namespace ControlNet.ML.Components;

/// <summary>Takes what a loaded component needs, and gives all of it back if the component cannot be made.</summary>
internal sealed class Leases
{
    private readonly List<IDisposable> _taken = [];

    private Leases()
    {
    }

    /// <summary>What was taken, to be disposed by the component.</summary>
    public IReadOnlyList<IDisposable> Taken => _taken;

    /// <summary>Makes a component.</summary>
    public static T Open<T>(Func<Leases, T> make)
    {
        var leases = new Leases();
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
    public DiffusionModel Model(WeightReference reference) => Keep(SharedWeights.Model(reference));

    /// <summary>A control network.</summary>
    public ControlNetwork Control(WeightReference reference) => Keep(SharedWeights.Control(reference));

    /// <summary>Controls with their networks.</summary>
    public ControlColumn[] Controls(IEnumerable<ControlSettings> settings) => [.. settings.Select(control => control.With(Control(control.Network)))];

    private T Keep<T>(Lease<T> lease)
    {
        _taken.Add(lease);
        return lease.Value;
    }
}
