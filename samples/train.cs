#:package ControlNet.ML.Torch@0.1.0
#:package ControlNet.ML.Emoji@0.1.0
#:package TorchSharp-cpu@0.107.0
#:property PublishAot=false

// Trains a control network for fifty steps on discs that the sample draws itself. It learns to put a disc where the condition has one.
//   dotnet run samples/train.cs
// Called again, it goes on where it stopped: raise Steps for a better network.
using ControlNet.ML;
using ControlNet.ML.Imaging;
using ControlNet.ML.Torch.Training;
using ControlNet.ML.Torch.Training.Data;

const int Size = 64;

// The data set: images, conditions and prompts in Hugging Face's layout.
Directory.CreateDirectory("discs");
var lines = Enumerable.Range(0, 40).Select(i =>
{
    var (image, condition) = Disc(new Random(i));
    ImageCodec.SavePng($"discs/{i}.png", image);
    ImageCodec.SavePng($"discs/{i}-condition.png", condition);
    return $$"""{"file_name": "{{i}}.png", "conditioning_image": "{{i}}-condition.png", "text": "disc"}""";
});
File.WriteAllLines("discs/metadata.jsonl", lines);

using var model = DiffusionModel.Load("emoji");
var result = ControlNetTraining.Run(model, TrainingTable.Open("discs"), new TrainingOptions
{
    Folder = "discs-run",
    Steps = 50,
    LearningRate = 1e-3,
    Width = Size,
    Height = Size,
    ConditioningEmbeddingOutChannels = [16, 32, 64, 128],
    ValidationRows = 8,
    ValidationSteps = 10,
    SampleEvery = 50,
    CheckpointingSteps = 50,
    Progress = new Validations(),
});
Console.WriteLine($"The network is in {result.Control}: ControlNetwork.Load opens it.");
Console.WriteLine("Conditions, results and targets of validation rows are in discs-run/samples.");

// A red disc on blue, and where it is, white on black.
static (ImageBuffer Image, ImageBuffer Condition) Disc(Random random)
{
    var (x, y, radius) = (random.Next(16, 48), random.Next(16, 48), random.Next(8, 16));
    var (image, condition) = (new ImageBuffer(Size, Size, 3), new ImageBuffer(Size, Size, 1));
    for (var at = 0; at < Size * Size; at++)
    {
        var inside = Math.Pow((at % Size) - x, 2) + Math.Pow((at / Size) - y, 2) < radius * radius;
        condition.Samples[at] = inside ? (byte)255 : (byte)0;
        ReadOnlySpan<byte> color = inside ? [230, 30, 30] : [30, 30, 230];
        color.CopyTo(image.Samples.AsSpan(3 * at));
    }

    return (image, condition);
}

// The gap tells whether the network follows its condition: how much worse it predicts with the conditions of other rows.
internal sealed class Validations : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value)
    {
        if (value.Convergence is { } reading && reading.Step == value.Step)
            Console.WriteLine($"step {reading.Step}: validation loss {reading.Loss:0.0000}, gap {reading.Gap:0.0 %}");
    }
}
