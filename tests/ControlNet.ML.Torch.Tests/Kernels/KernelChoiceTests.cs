using ControlNet.ML.Torch.Native;

namespace ControlNet.ML.Torch.Tests.Kernels;

/// <summary>Options choose the kernels, then the environment, and a model's images say which ones computed them.</summary>
public sealed class KernelChoiceTests : IDisposable
{
    private const string Variable = "CONTROLNET_KERNELS";

    private readonly string? _before = Environment.GetEnvironmentVariable(Variable);

    public KernelChoiceTests() => TorchNative.EnsureLoaded();

    public void Dispose() => Environment.SetEnvironmentVariable(Variable, _before);

    [Theory]
    [InlineData(null, null, false)]
    [InlineData("", null, false)]
    [InlineData("plain", null, false)]
    [InlineData("measured", null, true)]
    [InlineData("measured", KernelChoice.Plain, false)]
    [InlineData(null, KernelChoice.Measured, true)]
    [InlineData("unknown", KernelChoice.Measured, true)]
    public void Options_come_before_the_environment(string? variable, KernelChoice? option, bool isMeasured)
    {
        Environment.SetEnvironmentVariable(Variable, variable);
        var device = TorchDevice.From(new LoadOptions { Device = "cpu", Kernels = option });

        Assert.Equal(isMeasured, device.Kernels is not null);
        Assert.Equal($"torch cpu float32{(isMeasured ? ", measured kernels" : "")}", device.ToString());
        Assert.Equal(device, TorchDevice.From(new LoadOptions { Device = "cpu", Kernels = option }));
    }

    [Fact]
    public void An_unknown_choice_in_the_environment_is_an_error()
    {
        Environment.SetEnvironmentVariable(Variable, "fastest");
        var error = Assert.Throws<ControlNetException>(() => TorchDevice.From(new LoadOptions { Device = "cpu" }));
        Assert.Equal("The environment variable CONTROLNET_KERNELS is 'fastest', expected plain or measured.", error.Message);
    }
}
