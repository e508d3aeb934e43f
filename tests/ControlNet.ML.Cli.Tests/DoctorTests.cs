using System.Text.Json;

namespace ControlNet.ML.Cli.Tests;

public sealed class DoctorTests
{
    [Fact]
    public async Task Doctor_says_what_computes_here_and_that_it_is_right()
    {
        using var tool = new Tool();

        var answer = await tool.RunAsync(TestContext.Current.CancellationToken, "doctor");

        Assert.Equal((App.Success, ""), (answer.Code, answer.Error));
        foreach (var part in new[] { "controlnet", "system", "processor", "caches", "memory", "cache", "libtorch", "oneDNN", "GPU", "ONNX Runtime", "providers", "checks" })
            Assert.Contains(answer.Output.Split('\n'), line => line.StartsWith(part + " ", StringComparison.Ordinal));
        Assert.DoesNotContain("WRONG", answer.Output, StringComparison.Ordinal);
        Assert.Contains(" free", answer.Output, StringComparison.Ordinal);
        Assert.Contains("CPUExecutionProvider", answer.Output, StringComparison.Ordinal);
        Assert.Empty(tool.Files);
    }

    [Fact]
    public async Task Doctor_prints_one_json_document()
    {
        using var tool = new Tool();

        var answer = await tool.RunAsync(TestContext.Current.CancellationToken, "doctor", "--json");

        Assert.Equal((App.Success, ""), (answer.Code, answer.Error));
        using var document = JsonDocument.Parse(answer.Output);
        var torch = document.RootElement.GetProperty("torch");
        Assert.True(torch.GetProperty("is_right").GetBoolean());
        Assert.True(torch.GetProperty("operations").GetArrayLength() >= 48);
        Assert.Equal(Environment.ProcessorCount, document.RootElement.GetProperty("machine").GetProperty("cores").GetInt32());
        Assert.NotEmpty(torch.GetProperty("processor").GetProperty("instruction_sets").EnumerateArray());
        var onnx = document.RootElement.GetProperty("onnx_runtime");
        Assert.NotEmpty(onnx.GetProperty("providers").EnumerateArray());
        Assert.Contains("cpu", onnx.GetProperty("execution_providers").EnumerateArray().Select(name => name.GetString()));
    }

    [Fact]
    public async Task Doctor_takes_no_arguments()
    {
        using var tool = new Tool();

        var answer = await tool.RunAsync(TestContext.Current.CancellationToken, "doctor", "now");

        Assert.Equal(App.Misused, answer.Code);
        Assert.Contains("now", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Doctor_names_the_variable_where_no_cache_folder_can_be_written()
    {
        using var tool = new Tool();
        var file = Path.Combine(tool.Folder, "file");
        await File.WriteAllTextAsync(file, "not a folder", TestContext.Current.CancellationToken);
        Environment.SetEnvironmentVariable("CONTROLNET_CACHE", file);
        try
        {
            var doctor = await tool.RunAsync(TestContext.Current.CancellationToken, "doctor");
            Assert.Contains("set CONTROLNET_CACHE", doctor.Output, StringComparison.Ordinal);
        }
        finally
        {
            Environment.SetEnvironmentVariable("CONTROLNET_CACHE", null);
        }
    }
}
