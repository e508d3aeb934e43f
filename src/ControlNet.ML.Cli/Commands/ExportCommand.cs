using System.CommandLine;
using ControlNet.ML.Onnx;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Cli.Commands;

/// <summary><c>controlnet export</c>: models and control networks as ONNX graphs.</summary>
internal static class ExportCommand
{
    public static Command Create(Terminal terminal)
    {
        var source = new Argument<string>("source")
        {
            Description = "A base model or control network: an embedded one, a folder, a single file (.safetensors, .ckpt, .pth), or "
                + "owner/name on the hub.",
        };
        var target = new Option<string>("--to") { Description = "New folder for the graphs.", Required = true, HelpName = "folder" };
        var half = new Option<bool>("--half") { Description = "float16 weights and computation; inputs and outputs stay float32." };
        var int8 = new Option<bool>("--int8") { Description = "8-bit weights in linear layers and convolutions, scaled per channel." };
        var merge = new Option<bool>("--merge")
        {
            Description = "For a control network: one graph that includes the condition encoder, as in most published files.",
        };
        var modelFile = new ModelOptions();
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of the folder's name." };
        var command = new Command("export", "Export a model or control network as ONNX graphs.") { source, target, half, int8, merge };
        foreach (var option in (Option[])[.. modelFile.All, json])
            command.Add(option);
        command.SetAction(async (result, cancellationToken) =>
        {
            var (name, folder) = (result.GetValue(source)!, result.GetValue(target)!);
            var options = new OnnxExportOptions
            {
                Half = result.GetValue(half),
                Int8 = result.GetValue(int8),
                Merge = result.GetValue(merge),
            };
            var load = modelFile.Complete(result, new LoadOptions());
            var isControl = false;
            await ProgressDisplay.RunAsync(terminal, show =>
            {
                var progress = new DirectProgress<double>(done => show("exporting", done, 1));
                (var place, isControl) = SourcePlace.Find(name, load, modelFile, result, show, cancellationToken);
                if (isControl)
                {
                    OnnxExporter.ExportControl(place, folder, options, progress, cancellationToken);
                    return;
                }

                if (options.Merge)
                    throw new UsageException($"--merge is for control networks, and {Message.Name(name)} is none.");
                OnnxExporter.Export(ModelFolder.Open(ModelNames.FindModel(place), load), folder, options, progress, cancellationToken);
            }).ConfigureAwait(false);
            if (result.GetValue(json))
            {
                Json.Print(terminal, new
                {
                    source = name,
                    output = Path.GetFullPath(folder),
                    kind = isControl ? "control" : "model",
                    files = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
                        .Select(file => new
                        {
                            name = Path.GetRelativePath(folder, file).Replace('\\', '/'),
                            bytes = new FileInfo(file).Length,
                        })
                        .OrderBy(file => file.name, StringComparer.Ordinal),
                });
            }
            else
            {
                terminal.Result(folder);
            }

            return App.Success;
        });
        return command;
    }
}
