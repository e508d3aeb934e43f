using System.CommandLine;
using ControlNet.ML.Cli.Comparing;

namespace ControlNet.ML.Cli.Commands;

/// <summary><c>controlnet compare</c>: the distance of images, or of what two models generate.</summary>
internal static class CompareCommand
{
    public static Command Create(Terminal terminal)
    {
        var first = new Argument<string>("first") { Description = "An image or a folder of images; with --prompts, a model." };
        var second = new Argument<string>("second") { Description = "The image, folder or model to compare it with." };
        var prompts = new Option<string?>("--prompts")
        {
            Description = "Table with a column 'prompt' (optionally 'negative_prompt', 'seed'): both models generate an image of each row.",
            HelpName = "table",
        };
        var steps = new Option<int?>("--steps") { Description = "With --prompts: denoising steps; by default the model's own." };
        var guidance = new Option<double?>("--guidance") { Description = "With --prompts: guidance scale; by default the model's own." };
        var seed = SeedChoice.Option("With --prompts: seed of the rows that name none.", 0);
        var size = new SizeOptions(
            "With --prompts: image size N or WIDTHxHEIGHT; by default that of the first model.",
            "the model's own for a side that is not given.");
        var (precision, kernels, device) = (ImageOptions.PrecisionOption(), ImageOptions.KernelsOption(), DeviceChoice.Option());
        var output = new Option<string?>("--output", "-o") { Description = "Also write the distances to a .csv file.", HelpName = "file" };
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of a table." };
        var command = new Command("compare", "Compare images, or two models over a table of prompts.")
        {
            first, second, prompts, steps, guidance, seed,
        };
        foreach (var option in (Option[])[.. size.All, precision, kernels, device, output, json])
            command.Add(option);
        command.SetAction(async (result, cancellationToken) =>
        {
            var (a, b, table, csv) = (result.GetValue(first)!, result.GetValue(second)!, result.GetValue(prompts), result.GetValue(output));
            if (csv is not null && !Path.GetExtension(csv).Equals(".csv", StringComparison.OrdinalIgnoreCase))
                throw new UsageException($"--output is {Message.Name(csv)}, expected a name that ends in .csv.");
            if (csv is not null)
                InputFiles.Keep([csv], (a, InputFiles.Read), (b, InputFiles.Read), (table, "the table of prompts"));
            var pairs = table is null ? null : new PromptPairs
            {
                First = a,
                Second = b,
                Table = table,
                Size = size.Of(result),
                Load = new()
                {
                    Precision = ImageOptions.PrecisionOf(result.GetValue(precision)!),
                    Kernels = ImageOptions.KernelsOf(result.GetValue(kernels)),
                    Device = DeviceChoice.Of(result.GetValue(device), backend: null),
                },
                Options = new()
                {
                    Steps = result.GetValue(steps),
                    Guidance = result.GetValue(guidance),
                    Seed = result.GetValue(seed)!.Value,
                },
            };
            if (pairs is not null)
            {
                InputRules.CheckRanges(pairs.Options);
                result.GetValue(seed)!.Report(terminal);
                foreach (var model in new[] { a, b })
                    await HubDownloads.RunAsync(terminal, model, [], [], [], pairs.Load, cancellationToken).ConfigureAwait(false);
            }
            else if (new Option[] { steps, guidance, seed, precision, kernels, device }.Concat(size.All)
                .FirstOrDefault(option => result.GetResult(option) is { Implicit: false }) is { } idle)
            {
                throw new UsageException($"{idle.Name} is for images that models generate: expected --prompts beside it.");
            }

            List<ComparedImage> rows = [];
            await ProgressDisplay.RunAsync(terminal, show =>
            {
                if (pairs?.UsesTorch(cancellationToken) is true)
                    RuntimeCheck(show);
                rows = pairs?.Compare(show, cancellationToken) ?? ImagePairs.Compare(a, b, show, cancellationToken);
            }).ConfigureAwait(false);
            if (csv is not null)
                CompareReport.WriteCsv(csv, rows);
            CompareReport.Print(terminal, rows, result.GetValue(json));
            var failed = rows.Count(row => row.Error is not null);
            return failed == 0 ? App.Success : failed == rows.Count ? App.Failed : App.SomeFailed;

            void RuntimeCheck(Action<string, double, double> show) => Doctor.RuntimeCheck.Once(terminal, show, cancellationToken);
        });
        return command;
    }
}
