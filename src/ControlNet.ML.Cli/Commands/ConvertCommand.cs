using System.CommandLine;
using ControlNet.ML.Weights;
using ControlNet.ML.Weights.Conversion;

namespace ControlNet.ML.Cli.Commands;

/// <summary><c>controlnet convert</c>: folders in diffusers' layout to single files in the original naming, and back.</summary>
internal static class ConvertCommand
{
    private const string FileEnding = ".safetensors";

    public static Command Create(Terminal terminal)
    {
        var source = new Argument<string>("source")
        {
            Description = "A base model or control network: an embedded one, a folder, a single file (.safetensors, .ckpt, .pth), or "
                + "owner/name on the hub.",
        };
        var output = new Option<string>("--output", "-o")
        {
            Description = "What to write: FILE.safetensors for a single file in the original naming, or a new FOLDER in diffusers' layout.",
            Required = true,
        };
        var type = new Option<string?>("--dtype") { Description = "Element type to write; by default that of the source, bit for bit." };
        type.AcceptOnlyFromAmong("fp32", "fp16", "bf16");
        var modelFile = new ModelOptions();
        var json = new Option<bool>("--json") { Description = "Print one JSON document." };
        var command = new Command("convert", "Convert a model or control network between a folder and a single file.")
        {
            source, output, type,
        };
        foreach (var option in (Option[])[.. modelFile.All, json])
            command.Add(option);
        command.SetAction(async (result, cancellationToken) =>
        {
            var (name, target) = (result.GetValue(source)!, result.GetValue(output)!);
            var isFile = target.EndsWith(FileEnding, StringComparison.OrdinalIgnoreCase);
            if (Path.GetExtension(target).ToLowerInvariant() is ".ckpt" or ".pth" or ".pt" or ".bin")
                throw new UsageException(
                    $"--output is {Message.Name(target)}, expected FILE{FileEnding} or a folder: pickles are read, not written.");
            InputFiles.Keep(isFile ? [target] : [], [(File.Exists(name) ? name : null, "the source")]);
            var load = modelFile.Complete(result, new LoadOptions());
            var isControl = false;
            await ProgressDisplay.RunAsync(terminal, show =>
            {
                var options = new ConvertOptions
                {
                    Type = result.GetValue(type) switch
                    {
                        "fp32" => TensorType.F32,
                        "fp16" => TensorType.F16,
                        "bf16" => TensorType.BF16,
                        _ => null,
                    },
                    Progress = new DirectProgress<double>(done => show("converting", done, 1)),
                };

                (var place, isControl) = SourcePlace.Find(name, load, modelFile, result, show, cancellationToken);
                if (isControl)
                    Convert(ModelNames.FindControl(place), target, isFile, options, cancellationToken);
                else
                    Convert(ModelFolder.Open(ModelNames.FindModel(place), load), target, isFile, options, cancellationToken);
            }).ConfigureAwait(false);
            if (result.GetValue(json))
                Json.Print(terminal, new { source = name, output = Path.GetFullPath(target), kind = isControl ? "control" : "model" });
            else
                terminal.Result(target);
            return App.Success;
        });
        return command;
    }

    private static void Convert(string control, string target, bool isFile, ConvertOptions options, CancellationToken cancellationToken)
    {
        if (isFile)
            WeightConverter.ControlToFile(control, target, options, cancellationToken);
        else
            WeightConverter.ControlToFolder(control, target, options, cancellationToken);
    }

    private static void Convert(ModelFolder model, string target, bool isFile, ConvertOptions options, CancellationToken cancellationToken)
    {
        if (isFile)
            WeightConverter.ToFile(model, target, options, cancellationToken);
        else
            WeightConverter.ToFolder(model, target, options, cancellationToken);
    }
}
