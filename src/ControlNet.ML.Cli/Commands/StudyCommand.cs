using System.CommandLine;
using System.Globalization;
using System.Net;
using ControlNet.ML.Cli.Study;
using ControlNet.ML.Cli.Study.Creation;
using ControlNet.ML.Cli.Study.Pages;
using ControlNet.ML.Cli.Study.Reports;
using ControlNet.ML.Cli.Study.Store;

namespace ControlNet.ML.Cli.Commands;

/// <summary><c>controlnet study</c>: what people say of the images of several methods.</summary>
internal static class StudyCommand
{
    /// <summary>As many raters as the paper's study had.</summary>
    private const int DefaultRaters = 12;

    private const int MostRaters = 1000;

    public static Command Create(Terminal terminal) => new("study", "Compare methods by what people say: a web page for raters.")
    {
        CreateStudy(terminal),
        Serve(terminal),
        Export(terminal),
        Report(terminal),
    };

    private static Argument<string> Folder(string description) => new("folder") { Description = description };

    private static Option<bool> JsonOption() => new("--json") { Description = "Print one JSON document instead of lines." };

    private static Command CreateStudy(Terminal terminal)
    {
        var folder = Folder("New folder for the study.");
        var methods = new Option<string[]>("--method")
        {
            Description = "NAME=FOLDER: a method and the folder of its images. Images of the same name in all folders are a group. "
                + "Repeatable: 2 to 26 methods.",
            HelpName = "name=folder",
            Required = true,
        };
        var condition = new Option<string?>("--condition")
        {
            Description = "Folder of the conditions, under the names of the images.",
            HelpName = "folder",
        };
        var prompts = new Option<string?>("--prompts")
        {
            Description = "Table with the columns 'file' (or 'file_name') and 'prompt', such as the results of 'score': prompts to show.",
            HelpName = "table",
        };
        var questions = new Option<string?>("--questions")
        {
            Description = "quality, fidelity or both, separated by a comma; by default quality, and fidelity if there are conditions.",
            HelpName = "names",
        };
        var form = new Option<string>("--form")
        {
            Description = "rank: raters order the images of a group. which: they name the method of an image, of two.",
            DefaultValueFactory = _ => StudyNames.Of(StudyForm.Rank),
        };
        form.AcceptOnlyFromAmong([.. StudyNames.Forms]);
        var samples = new Option<int?>("--samples")
        {
            Description = "With --form which: how many images of each method are shown as samples; by default half of them.",
            HelpName = "count",
        };
        var seed = SeedChoice.Option("Seed of the random orders.", 0);
        var json = JsonOption();
        var command = new Command("create", "Make a study of folders of images.")
        {
            folder, methods, condition, prompts, questions, form, samples, seed, json,
        };
        command.SetAction(async (result, cancellationToken) =>
        {
            var kind = StudyNames.Find<StudyForm>(result.GetValue(form)!.ToLowerInvariant())!.Value;
            if (result.GetValue(samples) is { } count && (kind != StudyForm.Which || count < 0))
                throw new UsageException($"--samples is {count}, expected a number of images, and --form which beside it.");
            var settings = new StudySettings
            {
                Folder = result.GetValue(folder)!,
                Form = kind,
                Methods = StudySettings.ParseMethods(result.GetValue(methods)!, kind),
                Conditions = result.GetValue(condition),
                Prompts = result.GetValue(prompts),
                Questions = StudySettings.ParseQuestions(result.GetValue(questions), kind, result.GetValue(condition) is not null),
                Samples = result.GetValue(samples),
                Seed = result.GetValue(seed)!.Value,
            };
            result.GetValue(seed)!.Report(terminal);
            StudyDefinition? study = null;
            List<string> warnings = [];
            await ProgressDisplay.RunAsync(
                terminal, show => study = StudyCreation.Run(settings, terminal.Clock, show, warnings.Add, cancellationToken))
                .ConfigureAwait(false);
            warnings.ForEach(terminal.Warn);
            if (result.GetValue(json))
                Json.Print(terminal, new
                {
                    settings.Folder,
                    form = StudyNames.Of(kind),
                    questions = settings.Questions.Select(StudyNames.Of),
                    study!.Methods,
                    groups = study.Asked.Count(),
                    samples = study.Samples.Count(),
                    questions_to_a_rater = study.TaskCount,
                    warnings,
                });
            else
                terminal.Result(settings.Folder);
            terminal.Say(
                $"{StudyNames.Count(study!.Asked.Count(), "group")}, {StudyNames.Count(study.TaskCount, "question")} to a rater. "
                    + $"Next: controlnet study serve {settings.Folder}");
            return App.Success;
        });
        return command;
    }

    private static Command Serve(Terminal terminal)
    {
        var folder = Folder("The study's folder.");
        var port = new Option<int>("--port")
        {
            Description = "Port to listen on; 0 takes a free one.",
            DefaultValueFactory = _ => 8080,
            HelpName = "port",
        };
        var host = new Option<string>("--host")
        {
            Description = "Address of this machine to listen on; 0.0.0.0 for all, so that other machines reach the page.",
            DefaultValueFactory = _ => "127.0.0.1",
            HelpName = "address",
        };
        var url = new Option<string?>("--url")
        {
            Description = "Address by which raters reach the page, for the links, if it is another: that of a proxy.",
            HelpName = "address",
        };
        var raters = new Option<int?>("--raters")
        {
            Description = $"Number of personal links; what is missing is added. By default those that there are, at first {DefaultRaters}.",
            HelpName = "count",
        };
        var json = JsonOption();
        var command = new Command("serve", "Show the study to raters, until Ctrl-C.") { folder, port, host, url, raters, json };
        command.SetAction((result, cancellationToken) =>
        {
            if (result.GetValue(port) is < 0 or > 65535)
                throw new UsageException($"--port is {result.GetValue(port)}, expected 0 to 65,535.");
            if (result.GetValue(raters) is < 1 or > MostRaters)
                throw new UsageException($"--raters is {result.GetValue(raters)}, expected 1 to {MostRaters:N0}.");
            var name = result.GetValue(host)!;
            if (!IPAddress.TryParse(name == "localhost" ? "127.0.0.1" : name, out var address))
                throw new UsageException(
                    $"--host is {Message.Name(name)}, expected an address of this machine, such as 127.0.0.1 or 0.0.0.0.");
            if (result.GetValue(url) is { } there
                && !(Uri.TryCreate(there, UriKind.Absolute, out var parsed) && parsed.Scheme is "http" or "https"))
                throw new UsageException($"--url is {Message.Name(there)}, expected an address that begins with http:// or https://.");
            return ServeRun.RunAsync(
                terminal,
                new ServeSettings(
                    result.GetValue(folder)!, address, result.GetValue(port), result.GetValue(url), result.GetValue(raters), DefaultRaters),
                result.GetValue(json),
                cancellationToken);
        });
        return command;
    }

    private static Command Export(Terminal terminal)
    {
        var folder = Folder("The study's folder.");
        var output = new Option<string>("--output", "-o")
        {
            Description = "File to write: .csv or .parquet.",
            HelpName = "file",
            Required = true,
        };
        var json = JsonOption();
        var command = new Command("export", "Write the answers as a table.") { folder, output, json };
        command.SetAction((result, cancellationToken) =>
        {
            var file = result.GetValue(output)!;
            var format = Path.GetExtension(file).TrimStart('.').ToLowerInvariant();
            if (format is not ("csv" or "parquet"))
                throw new UsageException($"--output is {Message.Name(file)}, expected a name that ends in .csv or .parquet.");
            InputFiles.Keep([file], (StudyFolder.DatabaseIn(result.GetValue(folder)!), "the study"));
            using var study = StudyFolder.Open(result.GetValue(folder)!);
            var rows = StudyExport.Write(study, format, file, cancellationToken);
            if (result.GetValue(json))
                Json.Print(terminal, new { file, rows });
            else
                terminal.Result(file);
            terminal.Say(string.Create(CultureInfo.InvariantCulture, $"{rows:N0} rows."));
            return Task.FromResult(App.Success);
        });
        return command;
    }

    private static Command Report(Terminal terminal)
    {
        var folder = Folder("The study's folder.");
        var output = new Option<string?>("--output", "-o")
        {
            Description = "Name of the report: NAME.md, with its plots beside it. By default it is only printed.",
            HelpName = "name",
        };
        var json = JsonOption();
        var command = new Command("report", "Say what the raters found, so far.") { folder, output, json };
        command.SetAction((result, cancellationToken) =>
        {
            using var study = StudyFolder.Open(result.GetValue(folder)!);
            var figures = StudyAnalysis.Run(study, cancellationToken);
            if (figures.Progress.Answers == 0)
                throw new ControlNetException($"{study.Path}: nobody has answered a question yet, expected at least one answer.");
            IReadOnlyList<string> files = [];
            if (OutputName.File(result.GetValue(output), "report") is var name && result.GetValue(output) is not null)
                files = StudyReport.Write(name.EndsWith(".md", StringComparison.OrdinalIgnoreCase) ? name[..^3] : name, figures);
            if (result.GetValue(json))
                Json.Print(terminal, new { figures, files });
            else
                foreach (var line in StudyReport.Lines(figures))
                    terminal.Result(line);
            if (files.Count > 0)
                terminal.Say($"wrote {Message.List([.. files])}");
            return Task.FromResult(App.Success);
        });
        return command;
    }
}
