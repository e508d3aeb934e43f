using System.Text.Json;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Onnx.Tests.Export;

/// <summary>Exported folders: files, signatures, and what is refused.</summary>
public sealed class OnnxExporterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_model_has_the_files_and_signatures_of_optimum()
    {
        var reports = new List<double>();
        OnnxExporter.Export(Fixtures.Path("models", "sd1"), _folder.File("out"), progress: new Reports(reports));

        Assert.Equal(
            [
                "model_index.json", "scheduler/scheduler_config.json", "text_encoder/config.json", "text_encoder/model.onnx", "tokenizer/merges.txt", "tokenizer/special_tokens_map.json",
                "tokenizer/tokenizer_config.json", "tokenizer/vocab.json", "unet/config.json", "unet/controlnet.onnx", "unet/model.onnx", "unet/model.onnx_data",
                "vae_decoder/config.json", "vae_decoder/model.onnx", "vae_encoder/config.json", "vae_encoder/model.onnx",
            ],
            Files("out"));
        Expect(
            "unet/model.onnx",
            ["sample Single [?, 4, ?, ?]", "timestep Single []", "encoder_hidden_states Single [?, ?, 16]"],
            ["out_sample Single [?, 4, ?, ?]"]);
        Expect(
            "text_encoder/model.onnx",
            ["input_ids Int64 [?, ?]"],
            ["last_hidden_state Single [?, ?, 16]", "pooler_output Single [?, 16]", .. Enumerable.Range(0, 4).Select(i => $"hidden_states.{i} Single [?, ?, 16]")]);
        Expect("vae_encoder/model.onnx", ["sample Single [?, 3, ?, ?]"], ["latent_parameters Single [?, 8, ?, ?]"]);
        Expect("vae_decoder/model.onnx", ["latent_sample Single [?, 4, ?, ?]"], ["sample Single [?, 3, ?, ?]"]);
        string[] controlled = [.. Signature("out", "unet/controlnet.onnx").Inputs.Select(port => port.ToString())];
        Assert.Equal(3 + 13, controlled.Length);
        Assert.Contains("down_block_11_additional_residual Single [?, 16, ?, ?]", controlled);
        Assert.Contains("mid_block_additional_residual Single [?, 16, ?, ?]", controlled);

        using var index = JsonDocument.Parse(File.ReadAllText(_folder.File("out", "model_index.json")));
        Assert.Equal("StableDiffusionPipeline", index.RootElement.GetProperty("_class_name").GetString());
        Assert.Equal(reports.Order(), reports);
        Assert.Equal(1, reports[^1], 9);

        void Expect(string file, string[] inputs, string[] outputs)
        {
            var signature = Signature("out", file);
            Assert.Equal(inputs, signature.Inputs.Select(port => port.ToString()));
            Assert.Equal(outputs, signature.Outputs.Select(port => port.ToString()));
        }
    }

    [Fact]
    public void SDXL_has_two_text_encoders_and_more_inputs()
    {
        OnnxExporter.Export(Fixtures.Path("models", "sdxl"), _folder.File("out"));
        var second = Signature("out", "text_encoder_2/model.onnx").Outputs;
        Assert.Equal(["text_embeds Single [?, 24]", "last_hidden_state Single [?, ?, 24]", "hidden_states.0 Single [?, ?, 24]"], second.Take(3).Select(port => port.ToString()));
        var unet = Signature("out", "unet/model.onnx").Inputs;
        Assert.Equal(["text_embeds Single [?, 24]", "time_ids Single [?, 6]"], unet.Skip(3).Select(port => port.ToString()));
        Assert.Contains("tokenizer_2/vocab.json", Files("out"));
    }

    [Fact]
    public void The_embedded_model_and_its_control_network_are_exported()
    {
        OnnxExporter.Export("emoji", _folder.File("model"));
        OnnxExporter.ExportControl("emoji/canny", _folder.File("control"));
        Assert.Contains("unet/model.onnx_data", Files("model"));
        Assert.Equal(["condition_encoder.onnx", "config.json", "model.onnx"], Files("control"));
    }

    [Fact]
    public void A_single_file_gives_the_same_graphs_as_its_folder()
    {
        OnnxExporter.Export(ModelFolder.Open(Fixtures.Path("models", "sd1"), parts: ModelParts.TextEncoder), _folder.File("folder"));
        var file = ModelFolder.Open(Fixtures.Path("weights", "sd1-fp32.safetensors"), new LoadOptions { Config = Fixtures.Path("models", "sd1"), Parts = ModelParts.TextEncoder });
        OnnxExporter.Export(file, _folder.File("file"));
        Assert.Equal(File.ReadAllBytes(_folder.File("folder", "text_encoder", "model.onnx")), File.ReadAllBytes(_folder.File("file", "text_encoder", "model.onnx")));
    }

    [Fact]
    public void A_merged_control_network_has_the_signature_of_OnnxStack()
    {
        OnnxExporter.ExportControl(Fixtures.Path("models", "sdxl-control-a"), _folder.File("out"), new OnnxExportOptions { Merge = true });
        Assert.Equal(["config.json", "model.onnx"], Files("out"));
        var graph = Signature("out", "model.onnx");
        Assert.Equal(
            [
                "sample Single [?, 4, ?, ?]", "timestep Single [?]", "encoder_hidden_states Single [?, ?, 40]", "text_embeds Single [?, 24]", "time_ids Single [?, 6]",
                "controlnet_cond Single [?, 3, ?, ?]", "conditioning_scale Double []",
            ],
            graph.Inputs.Select(port => port.ToString()));
        Assert.Equal([.. Enumerable.Range(0, 9).Select(i => $"down_block_{i}_additional_residual"), "mid_block_additional_residual"], graph.Outputs.Select(port => port.Name));
    }

    [Fact]
    public void What_cannot_be_exported_is_named_and_leaves_nothing_behind()
    {
        Directory.CreateDirectory(_folder.File("full"));
        _folder.Write(Path.Combine("full", "notes.txt"), [1]);
        var model = Fixtures.Path("models", "sd1");
        Assert.Contains("exists already", Assert.Throws<ControlNetException>(() => OnnxExporter.Export(model, _folder.File("full"))).Message);
        Assert.Contains("No model 'emojy'", Assert.Throws<ControlNetException>(() => OnnxExporter.Export("emojy", _folder.File("out"))).Message);
        Assert.Contains("No control network 'emoji/cany'", Assert.Throws<ControlNetException>(() => OnnxExporter.ExportControl("emoji/cany", _folder.File("out"))).Message);
        Assert.Contains("Merge", Assert.Throws<ArgumentException>(() => OnnxExporter.Export(model, _folder.File("out"), new OnnxExportOptions { Merge = true })).Message);

        using var cancelled = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => OnnxExporter.Export(model, _folder.File("out"), progress: new Cancelling(cancelled), cancellationToken: cancelled.Token));
        Assert.Equal(["full"], Directory.GetFileSystemEntries(_folder.Path).Select(Path.GetFileName));
        Assert.Equal(["notes.txt"], Files("full"));
    }

    private OnnxSignature Signature(string folder, string file) => OnnxSignature.Read(_folder.File(folder, file));

    private IEnumerable<string> Files(string name) => Directory.EnumerateFiles(_folder.File(name), "*", SearchOption.AllDirectories)
        .Select(file => Path.GetRelativePath(_folder.File(name), file).Replace('\\', '/')).Order(StringComparer.Ordinal);

    private sealed class Reports(List<double> values) : IProgress<double>
    {
        public void Report(double value) => values.Add(value);
    }

    private sealed class Cancelling(CancellationTokenSource source) : IProgress<double>
    {
        public void Report(double value) => source.Cancel();
    }
}
