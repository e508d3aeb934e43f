#:package ControlNet.ML.Torch@0.1.0
#:package ControlNet.ML.Emoji@0.1.0
#:package TorchSharp-cpu@0.107.0
#:property PublishAot=false

// The first image: a drawing, its edges, and a new image that follows them.
//   dotnet run samples/tiger.cs
//   dotnet run samples/tiger.cs -- drawing.png "bear, fluent 3d emoji" 5
using ControlNet.ML;
using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

var here = (string)AppContext.GetData("EntryPointFileDirectoryPath")!;
var file = args.ElementAtOrDefault(0) ?? Path.Combine(here, "../docs/images/panda.png");
var prompt = args.ElementAtOrDefault(1) ?? "tiger face, fluent 3d emoji, teal background";
var seed = ulong.Parse(args.ElementAtOrDefault(2) ?? "2");

// The small model that draws emoji comes with ControlNet.ML.Emoji. A folder of Stable Diffusion works the same.
using var model = DiffusionModel.Load("emoji");
using var canny = ControlNetwork.Load("emoji/canny");

var drawing = ImageCodec.Load(file);
var photo = ImageFit.Apply(drawing, Geometry.ForImage(drawing.Width, drawing.Height, 128, 128, FitMode.Crop));
var edges = Canny.Apply(photo);
var result = model.Generate(prompt, [new ControlInput(canny, edges)], new GenerateOptions { Seed = seed });

// The PNG also stores prompt, seed and all other settings.
ImageCodec.SavePng("tiger.png", result.Image, result.Provenance);
ImageCodec.SavePng("tiger-edges.png", edges);
Console.WriteLine("Wrote tiger.png and tiger-edges.png.");
