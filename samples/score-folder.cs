#:package ControlNet.ML.Torch@0.1.0
#:package ControlNet.ML.Emoji@0.1.0
#:package TorchSharp-cpu@0.107.0
#:property PublishAot=false

// A new image for every drawing of a folder. File names are prompts: "green apple.png" asks for a green apple.
//   dotnet run samples/score-folder.cs
//   dotnet run samples/score-folder.cs -- DRAWINGS OUTPUT
using ControlNet.ML;
using ControlNet.ML.Conditions;
using ControlNet.ML.Evaluation;
using ControlNet.ML.Imaging;

var here = (string)AppContext.GetData("EntryPointFileDirectoryPath")!;
var folder = args.ElementAtOrDefault(0) ?? Path.Combine(here, "drawings");
var output = Directory.CreateDirectory(args.ElementAtOrDefault(1) ?? "scored").FullName;

using var model = DiffusionModel.Load("emoji");
using var canny = ControlNetwork.Load("emoji/canny");

var failed = 0;
foreach (var file in Directory.EnumerateFiles(folder, "*.png").Order(StringComparer.Ordinal))
{
    var name = Path.GetFileName(file);
    try
    {
        var drawing = ImageCodec.Load(file);
        var photo = ImageFit.Apply(drawing, Geometry.ForImage(drawing.Width, drawing.Height, 128, 128, FitMode.Crop));
        var edges = Canny.Apply(photo);
        var result = model.Generate(
            $"{Path.GetFileNameWithoutExtension(file)}, fluent 3d emoji",
            [new ControlInput(canny, edges)],
            new GenerateOptions { Seed = 1 });
        ImageCodec.SavePng(Path.Combine(output, name), result.Image, result.Provenance);

        // How well the image follows its drawing: the F1 score of their edges, 1 where they agree.
        Console.WriteLine($"{name}: F1 {EdgeFidelity.Compare(edges, Canny.Apply(result.Image)).F1:0.00}");
    }
    catch (ControlNetException error)
    {
        // A damaged file does not stop the others.
        failed++;
        Console.Error.WriteLine($"{name}: {error.Message}");
    }
}

return failed == 0 ? 0 : 1;
