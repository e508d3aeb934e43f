#:package ControlNet.ML.Onnx@0.1.0
#:package ControlNet.ML.Emoji@0.1.0
#:package Microsoft.ML.OnnxRuntime@1.31.1
#:property PublishAot=false

// Without libtorch: a model and a control network as ONNX graphs, which ONNX Runtime runs.
//   dotnet run samples/onnx.cs
//   dotnet run samples/onnx.cs -- cuda        with Microsoft.ML.OnnxRuntime.Gpu in place of Microsoft.ML.OnnxRuntime
using ControlNet.ML;
using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;
using ControlNet.ML.Onnx;

// Graphs straight from the weights, written once. A single file of Stable Diffusion works the same.
if (!Directory.Exists("emoji-onnx"))
    OnnxExporter.Export("emoji", "emoji-onnx");
if (!Directory.Exists("canny-onnx"))
    OnnxExporter.ExportControl("emoji/canny", "canny-onnx");

// The first provider that works, and why the others do not if none does.
string[] names = args.Length > 0 ? args : ["cpu"];
var session = new OnnxSessionOptions { Providers = [.. names.Select(name => Enum.Parse<ExecutionProvider>(name, ignoreCase: true))] };
var options = new LoadOptions { Backend = new OnnxBackendProvider { Session = session } };
using var model = DiffusionModel.Load("emoji-onnx", options);
using var canny = ControlNetwork.Load("canny-onnx", options);

var here = (string)AppContext.GetData("EntryPointFileDirectoryPath")!;
var drawing = ImageCodec.Load(Path.Combine(here, "../docs/images/panda.png"));
var photo = ImageFit.Apply(drawing, Geometry.ForImage(drawing.Width, drawing.Height, 128, 128, FitMode.Crop));
var edges = Canny.Apply(photo);
var result = model.Generate(
    "tiger face, fluent 3d emoji, teal background", [new ControlInput(canny, edges)], new GenerateOptions { Seed = 2 });

ImageCodec.SavePng("onnx.png", result.Image, result.Provenance);
Console.WriteLine($"Wrote onnx.png with {model.Backend.Description}.");
