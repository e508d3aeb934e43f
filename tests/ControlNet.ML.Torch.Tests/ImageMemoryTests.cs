using System.Runtime.InteropServices;
using ControlNet.ML.Configuration;
using ControlNet.ML.Torch.Native;

namespace ControlNet.ML.Torch.Tests;

/// <summary>Images that cannot fit into the memory are refused before they are tried, and what did not fit says so in one line.</summary>
public sealed class ImageMemoryTests
{
    private const long Gigabyte = 1L << 30;

    [Fact]
    public void The_estimate_counts_the_largest_maps_of_the_networks()
    {
        // Stable Diffusion 1.5's decoder ends in 256, then 128 channels; its UNet begins with 320, and has 1, 4 and 16 times fewer pixels below.
        var autoencoder = new AutoencoderConfig { BlockOutChannels = [128, 256, 512, 512] };
        Assert.Equal(4.0 * 512 * 512 * ((4.25 * 256) + 128), ImageMemory.Decoding(autoencoder, 512, 512, 4));
        Assert.Equal(2.0 * 512 * 512 * 1.25 * 256, ImageMemory.Decoding(autoencoder, 512, 512, 2, isTiled: true));
        Assert.Equal(4.0 * 512 * 512 * 4.25 * 128, ImageMemory.Encoding(autoencoder, 512, 512, 4));
        Assert.Equal(4.0 * 512 * 512 * 1.25 * 256, ImageMemory.Encoding(autoencoder, 512, 512, 4, isTiled: true));
        Assert.Equal(2.0 * 512 * 512 * 4.25 * 16, ImageMemory.Condition(ControlNetConfig.StableDiffusion15, 512, 512, 2));
        Assert.Equal(2.0 * 64 * 64 * 3 * ((3 * (320 + (640 / 4.0) + (1280 / 16.0) + (1280 / 64.0))) + (13 * 320)), ImageMemory.Step(UNetConfig.StableDiffusion15, 64, 64, 3, 2));
    }

    [Fact]
    public void What_does_not_fit_is_refused_with_a_size_that_does()
    {
        ImageMemory.Ensure(Gigabyte, 1024, 512, "Decoding an image", free: Gigabyte);
        var refused = Assert.Throws<ControlNetException>(() => ImageMemory.Ensure(4.0 * Gigabyte, 1024, 512, "Decoding an image", free: Gigabyte));
        Assert.Equal(
            "Decoding an image of 1024x512 needs about 4.0 GB of memory in addition to the model, but 1.0 GB are free: expected at most about 512x256, or fewer images together.",
            refused.Message);
        refused = Assert.Throws<ControlNetException>(() => ImageMemory.Ensure(4.0 * Gigabyte, 1024, 512, "Decoding an image", Gigabyte, "tiling (--tiling)"));
        Assert.EndsWith("or fewer images together, or tiling (--tiling).", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_size_beyond_this_machine_is_refused_everywhere_before_any_step()
    {
        using var model = DiffusionModel.Load("emoji", new LoadOptions { Device = "cpu" });
        var huge = new GenerateOptions { Width = 8192, Height = 8192, Guidance = 1 };
        Assert.SkipWhen(FreeMemory.Bytes > ImageMemory.Decoding(model.Folder.Autoencoder, 8192, 8192, 4), "This machine has memory for 8192x8192.");

        Assert.Contains("of 8192x8192 needs about", Assert.Throws<ControlNetException>(() => model.Generate("fox", huge)).Message, StringComparison.Ordinal);
        Assert.Contains("of 8192x8192 needs about", Assert.Throws<ControlNetException>(() => model.Decode(TensorData.Zeros(1, 8, 1024, 1024))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 34359738368 bytes. Error code 12 (Cannot allocate memory)", true)]
    [InlineData("DefaultCPUAllocator: not enough memory: you tried to allocate 34359738368 bytes.", true)]
    [InlineData("CUDA out of memory. Tried to allocate 20.00 GiB.", true)]
    [InlineData("std::bad_alloc", true)]
    [InlineData("CUDA error: device-side assert triggered", false)]
    public void What_torch_says_of_memory_is_told_from_its_other_errors(string message, bool isMemory)
    {
        var use = new NetworkUse(typeof(DiffusionModel));
        var error = Record.Exception(() => use.Run<int>("Decoding an image", 1024, 512, () => throw new Raised(message)));
        if (isMemory)
            Assert.StartsWith("Decoding an image of 1024x512 ran out of memory: expected at most about 704x320", Assert.IsType<ControlNetException>(error).Message, StringComparison.Ordinal);
        else
            Assert.IsType<Raised>(error);

        // That of the libtorch that is there, for more than any machine has.
        Assert.IsType<ControlNetException>(Record.Exception(() => use.Run("Decoding an image", 64, 64, () => TorchSharp.torch.empty(1L << 50).shape[0])));
        Assert.Equal(7, use.Run("", 0, 0, () => 7));
    }

    [Fact]
    public void Free_memory_is_what_the_kernel_says_and_no_more_than_the_container_may()
    {
        Assert.Equal(1024 * (300 + 20), FreeMemory.OfMachine(["MemTotal: 999 kB", "MemFree:  100 kB", "MemAvailable:    300 kB", "SwapFree:     20 kB"]));
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("memory.max"), "max\n");
        Assert.Equal(long.MaxValue, FreeMemory.OfGroup(folder.File("")));
        File.WriteAllText(folder.File("memory.max"), "1000\n");
        File.WriteAllText(folder.File("memory.current"), "700\n");
        File.WriteAllText(folder.File("memory.stat"), "anon 5\ninactive_file 50\n");
        Assert.Equal(350, FreeMemory.OfGroup(folder.File("")));
        Assert.InRange(FreeMemory.Bytes, 1, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
    }

    /// <summary>An error as TorchSharp raises it.</summary>
    private sealed class Raised(string message) : ExternalException(message);
}
