using ControlNet.ML.Torch.Training;
using ControlNet.ML.Torch.Training.Data;

namespace ControlNet.ML.Torch.Tests.Training;

/// <summary>What a run needs, made and disposed.</summary>
public sealed class TrainingSetupTests(TinyRun tiny) : IClassFixture<TinyRun>
{
    [Fact]
    public void A_setup_that_fails_disposes_what_it_opened()
    {
        var options = tiny.Options("setup") with { SdLocked = false };
        var unet = ((TorchBackend)tiny.Model.Backend).UNet;
        using (TrainingSetup.Create(tiny.Model, tiny.Table, options))
            Assert.Contains(unet.parameters(), parameter => parameter.requires_grad);
        Assert.DoesNotContain(unet.parameters(), parameter => parameter.requires_grad);

        // The held-out rows are read last, when the decoder is already trainable.
        var data = tiny.WriteData("unreadable", 20);
        var table = TrainingTable.Open(data);
        TinyRun.Break(data, true);
        Assert.Throws<ControlNetException>(() => TrainingSetup.Create(tiny.Model, table, options));
        Assert.DoesNotContain(unet.parameters(), parameter => parameter.requires_grad);
    }
}
