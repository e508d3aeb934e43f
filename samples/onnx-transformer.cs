#:package ControlNet.ML.Onnx@0.1.0
#:package ControlNet.ML.Emoji@0.1.0
#:package Microsoft.ML.OnnxRuntime@1.31.1
#:package Microsoft.ML.OnnxTransformer@5.0.1
#:property PublishAot=false

// Stages that are single graphs are plain ONNX models, too: here ML.NET's own ApplyOnnxModel decodes the images.
//   dotnet run samples/onnx-transformer.cs
using ControlNet.ML;
using ControlNet.ML.Imaging;
using ControlNet.ML.Onnx;
using Microsoft.ML;
using Microsoft.ML.Data;

if (!Directory.Exists("emoji-onnx"))
    OnnxExporter.Export("emoji", "emoji-onnx");

// The decoder is left to ML.NET.
using var model = DiffusionModel.Load("emoji-onnx", new LoadOptions { Parts = ModelParts.TextEncoder | ModelParts.UNet });
var autoencoder = model.Folder.Autoencoder;
const int side = 128;
var (channels, size) = (autoencoder.LatentChannels, side / autoencoder.ScaleFactor);

var ml = new MLContext();
var rows = ml.Data.LoadFromEnumerable(new[]
{
    new Row { Prompt = "red apple, fluent 3d emoji" }, new Row { Prompt = "tiger face, fluent 3d emoji, teal background" },
});
var stages = ml.Transforms.ControlNet();
var pipeline = stages.EncodeText("Text", "Prompt", model)
    .Append(stages.Denoise("Latents", "Text", model, null, new() { Width = side, Height = side, Steps = 8, Seed = 2 }));

// The scheduler's latents have a variance of 1; the decoder takes them as the encoder gives them.
var latents = ml.Data.LoadFromEnumerable(
    ml.Data.CreateEnumerable<Denoised>(pipeline.Fit(rows).Transform(rows), reuseRowObject: false).Select(row => new Unscaled
    {
        Prompt = row.Prompt,
        Latents = [.. row.Latents.Select(value => (float)(value / autoencoder.ScalingFactor))],
    }));

var decoder = ml.Transforms.ApplyOnnxModel(
    ["sample"], ["latent_sample"], Path.Combine("emoji-onnx", "vae_decoder", "model.onnx"),
    shapeDictionary: new Dictionary<string, int[]>
    {
        ["latent_sample"] = [1, channels, size, size],
        ["sample"] = [1, 3, side, side],
    },
    gpuDeviceId: null, fallbackToCpu: false, recursionLimit: 100);
var number = 0;
foreach (var decoded in ml.Data.CreateEnumerable<Decoded>(decoder.Fit(latents).Transform(latents), reuseRowObject: false))
{
    number++;
    var image = TensorImages.FromSigned(new TensorData(decoded.Pixels, 1, 3, side, side))[0];
    ImageCodec.SavePng($"decoded-{number}.png", image);
    Console.WriteLine($"Wrote decoded-{number}.png: {decoded.Prompt}");
}

public class Row
{
    public string Prompt { get; set; } = "";
}

public class Denoised
{
    public string Prompt { get; set; } = "";

    [VectorType(8, 16, 16)]
    public float[] Latents { get; set; } = [];
}

public class Unscaled
{
    public string Prompt { get; set; } = "";

    [ColumnName("latent_sample"), VectorType(1, 8, 16, 16)]
    public float[] Latents { get; set; } = [];
}

public class Decoded
{
    public string Prompt { get; set; } = "";

    [ColumnName("sample"), VectorType(1, 3, 128, 128)]
    public float[] Pixels { get; set; } = [];
}
