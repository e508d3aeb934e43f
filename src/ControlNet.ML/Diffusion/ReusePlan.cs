namespace ControlNet.ML.Diffusion;

/// <summary>
/// Says what each step takes from an earlier one. Nothing is taken from a step with other control networks or other scales, so that windows
/// begin and end where they should.
/// </summary>
/// <param name="approximation">The intervals.</param>
internal sealed class ReusePlan(Approximation approximation)
{
    private IReadOnlyList<ControlStep>? _residualsOf;
    private IReadOnlyList<ControlStep>? _featuresOf;

    /// <summary>What a step takes; the plan takes it for done.</summary>
    /// <param name="step">The step's index, from 0.</param>
    /// <param name="controls">The control networks that apply to it.</param>
    public StepReuse At(int step, IReadOnlyList<ControlStep> controls)
    {
        var features = step % approximation.FeatureInterval != 0 && AreEqual(_featuresOf, controls);
        var residuals = controls.Count > 0 && (features || step % approximation.ControlInterval != 0) && AreEqual(_residualsOf, controls);
        if (!features)
            _featuresOf = controls;
        if (!residuals)
            _residualsOf = controls;
        return (features ? StepReuse.Features : StepReuse.None) | (residuals ? StepReuse.Controls : StepReuse.None);
    }

    private static bool AreEqual(IReadOnlyList<ControlStep>? earlier, IReadOnlyList<ControlStep> now) =>
        earlier is not null && earlier.Count == now.Count
            && earlier.Zip(now).All(pair => pair.First.Control == pair.Second.Control
                && pair.First.Scales.Values.AsSpan().SequenceEqual(pair.Second.Scales.Values));
}
