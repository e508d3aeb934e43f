using ControlNet.ML.Adapters;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Tests.Adapters;

/// <summary>A control network moved to another base model.</summary>
public sealed class ControlTransferTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact, Trait("Category", "Parity")]
    public void Each_tensor_is_moved_by_the_difference_of_the_models()
    {
        SkipWithout();
        var result = Run("sd1-control-a", "sd1", "sd1-lcm");
        Assert.Equal((296, 42), (result.Moved.Count, result.Kept.Count));
        var reference = new ReferenceTensors(Fixtures.Path("adapters", "transfer.safetensors"));
        using var weights = ControlFolder.Open(_folder.Path).OpenWeights();
        foreach (var (row, (name, tensor)) in weights.Tensors.OrderBy(tensor => tensor.Key, StringComparer.Ordinal).Index())
        {
            var values = new float[tensor.Count];
            tensor.CopyTo(values);
            TensorChecks.Compare(reference, "checks", row, values, 1e-7);
            if (reference.Has($"full.{name}"))
                Assert.Equal(reference.Floats($"full.{name}"), values);
        }
    }

    [Fact]
    public void A_tensor_of_another_shape_is_kept()
    {
        SkipWithout();
        Assert.Contains("conv_in.weight", Run("sd1-control-a", "sd1", "sd1-inpaint").Kept);
    }

    [Fact]
    public void Another_family_and_the_network_itself_are_refused()
    {
        SkipWithout();
        Assert.Contains("is of another family", Assert.Throws<ControlNetException>(() => Run("sd1-control-a", "sd1", "sdxl")).Message, StringComparison.Ordinal);
        var control = Fixtures.Path("models", "sd1-control-a");
        Assert.Contains("expected the name of a new folder", Assert.Throws<ControlNetException>(() => ControlTransfer.Run(control, Fixtures.Path("models", "sd1"), Fixtures.Path("models", "sd1-lcm"), control + "/", cancellationToken: TestContext.Current.CancellationToken)).Message, StringComparison.Ordinal);
    }

    private ControlTransferResult Run(string control, string from, string to) => ControlTransfer.Run(
        Fixtures.Path("models", control), Fixtures.Path("models", from), Fixtures.Path("models", to), _folder.Path, cancellationToken: TestContext.Current.CancellationToken);

    private static void SkipWithout() => Assert.SkipUnless(Fixtures.Has("adapters"), $"No adapters in {Fixtures.Root}.");
}
