using System.CommandLine;
using System.Runtime.InteropServices;
using ControlNet.ML.Weights;

namespace ControlNet.ML.EmojiTraining;

/// <summary><c>ship</c>: converts a trained network to float16, half the size, for the model's folder.</summary>
internal static class ShipCommand
{
    public static Command Create()
    {
        var network = new Argument<string>("network") { Description = "Folder of a trained network." };
        var output = new Option<string>("--output") { Description = "Folder to write.", Required = true };
        var command = new Command("ship", "Write a trained network as float16.") { network, output };
        command.SetAction(result =>
        {
            var folder = ControlFolder.Open(result.GetValue(network)!);
            using var weights = folder.OpenWeights();
            var target = Directory.CreateDirectory(result.GetValue(output)!).FullName;
            SafetensorsWriter.Write(Path.Combine(target, "diffusion_pytorch_model.safetensors"), weights.Tensors.Values.Select(Content));
            File.WriteAllText(Path.Combine(target, "config.json"), folder.Config.ToJson());
            Console.WriteLine(target);
            return 0;
        });
        return command;
    }

    private static TensorContent Content(WeightTensor tensor) => new(tensor.Name, TensorType.F16, tensor.Shape, stream =>
    {
        var values = new float[tensor.Count];
        tensor.CopyTo(values);
        stream.Write(MemoryMarshal.AsBytes<Half>(Array.ConvertAll(values, value => (Half)value)));
    });
}
