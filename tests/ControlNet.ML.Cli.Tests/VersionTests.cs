using System.Reflection;
using TorchSharp;

namespace ControlNet.ML.Cli.Tests;

public sealed class VersionTests
{
    [Fact]
    public async Task The_version_is_the_tools_and_those_of_its_runtimes()
    {
        using var tool = new Tool();

        var answer = await tool.RunAsync("--version");

        Assert.Equal((App.Success, ""), (answer.Code, answer.Error));
        var lines = answer.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.TrimEnd()).ToArray();
        Assert.Equal(5, lines.Length);
        Assert.Equal($"controlnet {Of(typeof(App).Assembly)}", lines[0]);
        Assert.Equal($".NET {Environment.Version}", lines[1]);
        Assert.Equal($"TorchSharp {Of(typeof(torch).Assembly)}", lines[2]);
        Assert.Matches(@"^libtorch \d+\.\d+\.\d+ \((CPU|CUDA)\)$", lines[3]);
        Assert.Matches(@"^ONNX Runtime \d+\.\d+\.\d+$", lines[4]);

        static string Of(Assembly assembly) => assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];
    }

    [Fact]
    public async Task A_gpu_without_its_libraries_is_refused_with_what_to_install()
    {
        Assert.SkipWhen(torch.cuda.is_available(), "This machine has a GPU.");
        using var tool = new Tool();

        var answer = await tool.RunAsync("generate", "tiger face", "--device", "cuda", "--output", "tiger.png");

        Assert.Equal(App.Failed, answer.Code);
        Assert.Contains("Device 'cuda' is not available", answer.Error, StringComparison.Ordinal);
        Assert.Contains("'controlnet-cuda'", answer.Error, StringComparison.Ordinal);
        Assert.Contains("TorchSharp-cuda-linux", answer.Error, StringComparison.Ordinal);
        Assert.Empty(tool.Files);
    }
}
