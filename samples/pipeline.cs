#:package ControlNet.ML.Torch@0.1.0
#:package ControlNet.ML.Emoji@0.1.0
#:package TorchSharp-cpu@0.107.0
#:property PublishAot=false

// Conditions and generation as steps of an ML.NET pipeline, which is saved with its weights and loaded again.
//   dotnet run samples/pipeline.cs
using ControlNet.ML;
using ControlNet.ML.Components;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

var here = (string)AppContext.GetData("EntryPointFileDirectoryPath")!;
var images = Path.Combine(here, "../docs/images");

var ml = new MLContext();
var rows = ml.Data.LoadFromEnumerable(new[]
{
    new Row { File = "panda.png", Prompt = "tiger face, fluent 3d emoji, teal background" },
    new Row { File = "panda.png", Prompt = "bear, fluent 3d emoji, pink background" },
    new Row { File = "missing.png", Prompt = "fox, fluent 3d emoji" },
});

using (var model = DiffusionModel.Load("emoji"))
using (var canny = ControlNetwork.Load("emoji/canny"))
{
    var stages = ml.Transforms.ControlNet();
    var pipeline = ml.Transforms.LoadImages("Photo", images, "File")
        .Append(stages.Canny("Edges", "Photo", null, new() { Width = 128, Height = 128 }))
        .Append(stages.Generate("Image", "Prompt", model, [new ControlColumn("Edges", canny)],
            new() { Seed = 2, Weights = WeightStorage.Inside }));
    ml.Model.Save(pipeline.Fit(rows), rows.Schema, "pipeline.zip");
}

Console.WriteLine($"Wrote pipeline.zip, {new FileInfo("pipeline.zip").Length / 1e6:0} MB.");

// A program that loads the file needs no model folder. Rows are independent: one that fails says why, the others go on.
var loaded = ml.Model.Load("pipeline.zip", out _);
var number = 0;
foreach (var result in ml.Data.CreateEnumerable<Result>(loaded.Transform(rows), reuseRowObject: false))
{
    number++;
    result.Image?.Save($"pipeline-{number}.png");
    Console.WriteLine(result.Error.Length == 0 ? $"Wrote pipeline-{number}.png: {result.Prompt}" : $"Row {number}: {result.Error}");
}

(loaded as IDisposable)?.Dispose();

public class Row
{
    public string File { get; set; } = "";

    public string Prompt { get; set; } = "";
}

public class Result
{
    public string Prompt { get; set; } = "";

    [ImageType(1, 1)]
    public MLImage? Image { get; set; }

    public string Error { get; set; } = "";
}
