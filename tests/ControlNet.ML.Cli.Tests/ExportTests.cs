using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Torch;
using ControlNet.ML.Weights;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;

namespace ControlNet.ML.Cli.Tests;

/// <summary>Models and control networks as ONNX graphs: written by the tool, and computing what libtorch computes.</summary>
public sealed class ExportTests : IDisposable
{
    private const double Tolerance = 2e-5;

    private readonly Tool _tool = new();

    public void Dispose() => _tool.Dispose();

    [Fact]
    public async Task Models_and_control_networks_are_told_apart()
    {
        var model = JsonNode.Parse((await Done("export", "emoji", "--to", "model", "--half", "--json")).Output)!;
        Assert.Equal("model", (string)model["kind"]!);
        Assert.Contains(model["files"]!.AsArray(), file => (string)file!["name"]! == "unet/model.onnx_data" && (long)file["bytes"]! > 1_000_000);
        var control = await Done("export", "emoji/canny", "--to", "control", "--int8", "--merge");
        Assert.Equal("control", control.Output.Trim());
        Assert.Equal(["control/config.json", "control/model.onnx"], _tool.Files.Where(file => file.StartsWith("control/", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(1, "exists already", "export", "emoji", "--to", "full")]
    [InlineData(1, "No model 'nothing'", "export", "nothing", "--to", "x")]
    [InlineData(2, "--merge is for control networks, and 'emoji' is none", "export", "emoji", "--to", "x", "--merge")]
    [InlineData(2, "--vae is for base models, and 'emoji/canny' is none", "export", "emoji/canny", "--to", "x", "--vae", "y")]
    public async Task What_cannot_be_exported_is_named_and_nothing_is_written(int code, string message, params string[] args)
    {
        Directory.CreateDirectory("full");
        await File.WriteAllTextAsync("full/notes.txt", "mine");
        var answer = await _tool.RunAsync(args);
        Assert.Equal(code, answer.Code);
        Assert.Contains(message, answer.Error, StringComparison.Ordinal);
        Assert.Equal(["full/notes.txt"], _tool.Files);
    }

    [Theory]
    [InlineData("sd1", 7, 9)]
    [InlineData("sdxl", 5, 11)]
    public void Latents_of_odd_sizes_give_what_libtorch_gives(string family, int height, int width)
    {
        var model = ModelFolder.Open(Fixtures.Path("models", family), parts: ModelParts.UNet);
        Onnx.OnnxExporter.Export(model, "graphs");
        using var backend = new TorchBackendProvider().Open(model, new LoadOptions { Device = "cpu" }, CancellationToken.None);
        var given = Inputs(model.UNet, rows: 2, tokens: 5);
        var sample = Numbers(1, 2, model.UNet.InChannels, height, width);
        var expected = TensorData.Zeros(2, model.UNet.OutChannels, height, width);
        using (var denoiser = backend.CreateDenoiser(given))
            denoiser.Predict(sample, 437, [], expected);

        using var unet = new InferenceSession("graphs/unet/model.onnx");
        Close(expected, Run(unet, [Port("sample", sample), Time(437), .. Ports(given)])["out_sample"]);
    }

    [Theory]
    [InlineData(true, false, false)]
    [InlineData(false, true, false)]
    [InlineData(false, true, true)]
    public void Control_networks_of_every_kind_give_what_libtorch_gives(bool lite, bool pooled, bool reversed)
    {
        var unet = ModelFolder.Open(Fixtures.Path("models", "sd1")).UNet;
        var config = ControlNetConfig.FromUNet(unet) with
        {
            Lite = lite,
            GlobalPoolConditions = pooled,
            ControlnetConditioningChannelOrder = reversed ? "bgr" : "rgb",
            ConditioningEmbeddingOutChannels = [4, 4, 8, 8],
        };
        WriteRandom(config, "network");
        Onnx.OnnxExporter.ExportControl("network", "graphs");

        var given = Inputs(unet, rows: 2, tokens: 3);
        var (sample, condition) = (Numbers(2, 2, 4, 6, 9), Numbers(3, 2, 3, 48, 72));
        using var weights = WeightSource.Open("network", NetworkKind.ControlNetwork);
        using var network = new TorchBackendProvider().OpenControl(config, weights, new LoadOptions { Device = "cpu" }, CancellationToken.None);
        var hint = network.EncodeCondition(condition);
        var residuals = network.Residuals(sample, 21, given, hint);

        using var encoder = new InferenceSession("graphs/condition_encoder.onnx");
        Close(hint, Run(encoder, [Port("controlnet_cond", condition)])["controlnet_hint"]);
        using var graph = new InferenceSession("graphs/model.onnx");
        var outputs = Run(graph, [Port("sample", sample), Time(21), .. Ports(given), Port("controlnet_hint", hint), Scale(1)]);
        foreach (var (name, expected) in graph.OutputNames.Zip(residuals))
            Close(expected, outputs[name]);
    }

    private static void Close(TensorData expected, float[] actual) =>
        TestSupport.Close.Relative([.. expected.Values.Select(value => (double)value)], actual, Tolerance, "values");

    /// <summary>A control network of random weights, zero convolutions included, written as a folder.</summary>
    private static void WriteRandom(ControlNetConfig config, string folder)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "config.json"), config.ToJson());
        var tensors = KeyMap.For(config with { Lite = false }).Tensors.Select(tensor => (tensor.Name, tensor.Shape));
        if (config.Lite)
            tensors = tensors.Where(tensor => tensor.Name.StartsWith("con", StringComparison.Ordinal)).Concat(LiteBlocks(config));
        SafetensorsWriter.Write(Path.Combine(folder, "diffusion_pytorch_model.safetensors"), tensors.Select((tensor, i) => Random(tensor.Name, tensor.Shape, i)));
    }

    /// <summary>ControlNet-lite's convolutions, whose names are its own.</summary>
    private static IEnumerable<(string Name, long[] Shape)> LiteBlocks(ControlNetConfig config)
    {
        var (before, index) = (config.BlockOutChannels[0], 0);
        foreach (var (level, channels) in config.BlockOutChannels.Index())
        {
            for (var layer = 0; layer < config.LayersPerBlock + (level < config.Levels - 1 ? 1 : 0); layer++, index++, before = channels)
            {
                yield return ($"blocks.{index}.weight", [channels, before, 3, 3]);
                yield return ($"blocks.{index}.bias", [channels]);
            }
        }

        yield return ("mid_block.weight", [before, before, 3, 3]);
        yield return ("mid_block.bias", [before]);
    }

    private static TensorContent Random(string name, long[] shape, int seed)
    {
        var random = new Random(seed);
        var values = new float[shape.Aggregate((a, b) => a * b)];
        var bound = shape.Length == 1 ? 0.5f : MathF.Sqrt(3f * shape[0] / values.Length);
        for (var i = 0; i < values.Length; i++)
            values[i] = ((random.NextSingle() * 2) - 1) * bound;
        return new TensorContent(name, TensorType.F32, shape, stream => stream.Write(MemoryMarshal.AsBytes(values.AsSpan())));
    }

    private static DenoiserInputs Inputs(UNetConfig config, int rows, int tokens) => new()
    {
        Text = Numbers(4, rows, tokens, config.CrossAttentionDim),
        PooledText = config.AdditionEmbedType is null ? null : Numbers(5, rows, config.ProjectionClassEmbeddingsInputDim!.Value - (6 * config.AdditionTimeEmbedDim!.Value)),
        TimeIds = config.AdditionEmbedType is null ? null : new TensorData([.. Enumerable.Repeat(64f, 6 * rows)], rows, 6),
    };

    private static IEnumerable<NamedOnnxValue> Ports(DenoiserInputs inputs)
    {
        yield return Port("encoder_hidden_states", inputs.Text);
        if (inputs.PooledText is { } pooled)
            yield return Port("text_embeds", pooled);
        if (inputs.TimeIds is { } sizes)
            yield return Port("time_ids", sizes);
    }

    private static NamedOnnxValue Port(string name, TensorData data) => NamedOnnxValue.CreateFromTensor(name, new DenseTensor<float>(data.Values, [.. data.Shape]));

    private static NamedOnnxValue Time(float timestep) => NamedOnnxValue.CreateFromTensor("timestep", new DenseTensor<float>(new[] { timestep }, []));

    private static NamedOnnxValue Scale(double scale) => NamedOnnxValue.CreateFromTensor("conditioning_scale", new DenseTensor<double>(new[] { scale }, []));

    private static Dictionary<string, float[]> Run(InferenceSession session, IReadOnlyCollection<NamedOnnxValue> inputs)
    {
        using var outputs = session.Run(inputs);
        return outputs.ToDictionary(output => output.Name, output => output.AsTensor<float>().ToArray());
    }

    private static TensorData Numbers(int seed, params int[] shape)
    {
        var random = new Random(seed);
        return new TensorData([.. Enumerable.Range(0, shape.Aggregate((a, b) => a * b)).Select(_ => (random.NextSingle() * 2) - 1)], shape);
    }

    private async Task<Answer> Done(params string[] args)
    {
        var answer = await _tool.RunAsync(args);
        Assert.True(answer.Code == 0, answer.Error);
        return answer;
    }
}
