#:package ControlNet.ML.Torch@0.1.0
#:package ControlNet.ML.Emoji@0.1.0
#:package TorchSharp-cpu@0.107.0
#:property PublishAot=false

// Two control networks for one image: a silhouette fixes the outline, and edges the lines inside it.
//   dotnet run samples/two-controls.cs
using ControlNet.ML;
using ControlNet.ML.Conditions;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Evaluation;
using ControlNet.ML.Imaging;

var here = (string)AppContext.GetData("EntryPointFileDirectoryPath")!;
const string Prompt = "tiger face, fluent 3d emoji, teal background";

using var model = DiffusionModel.Load("emoji");
using var mask = ControlNetwork.Load("emoji/mask");
using var canny = ControlNetwork.Load("emoji/canny");

var drawing = Color.Hwc3(ImageCodec.Load(Path.Combine(here, "../docs/images/panda.png")));
var photo = ImageFit.Apply(drawing, Geometry.ForImage(drawing.Width, drawing.Height, 128, 128, FitMode.Crop));

// Each network has its scale and its window of steps: the edges are weaker, and stop after 60 % of the steps.
var (shape, lines) = (MaskOverlap.Silhouette(photo), Canny.Apply(photo));
var silhouette = new ControlInput(mask, shape);
var edges = new ControlInput(canny, lines) { Unit = new ControlUnit { Scale = 0.8, End = 0.6 } };

ImageBuffer Generate(params ControlInput[] controls) =>
    model.Generate(Prompt, controls, new GenerateOptions { Seed = 2 }).Image;

// From left to right: the conditions; no control, the silhouette, the edges, both.
var sheet = ImageGrid.Compose(
    [shape, lines, Generate(), Generate(silhouette), Generate(edges), Generate(silhouette, edges)],
    columns: 6,
    gap: 4);
ImageCodec.SavePng("two-controls.png", sheet);
Console.WriteLine("Wrote two-controls.png.");
