using System.CommandLine;
using System.Globalization;
using ControlNet.ML.Hub;

namespace ControlNet.ML.Cli.Commands;

/// <summary><c>controlnet download</c>: fetches models and control networks of the hub into the cache, or brings them up to date.</summary>
internal static class DownloadCommand
{
    public static Command Create(Terminal terminal)
    {
        var ids = new Argument<string[]>("id")
        {
            Description = "Model or control network on the Hugging Face hub: owner/name, owner/name@revision, owner/name:subfolder or "
                + "owner/name:file.safetensors. Several are fetched one after the other.",
            Arity = ArgumentArity.OneOrMore,
        };
        var variant = ImageOptions.VariantOption();
        var backend = BackendChoice.DownloadOption();
        var json = new Option<bool>("--json") { Description = "Print one JSON document instead of paths." };
        var command = new Command(
            "download",
            "Fetch models of the Hugging Face hub into its cache.")
        {
            ids, variant, backend, json,
        };
        command.SetAction((result, cancellationToken) => RunAsync(
            terminal,
            result.GetValue(ids)!,
            new LoadOptions { Variant = result.GetValue(variant), Backend = BackendChoice.Of(result.GetValue(backend)) },
            result.GetValue(json),
            cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(
        Terminal terminal, string[] ids, LoadOptions options, bool json, CancellationToken cancellationToken)
    {
        foreach (var id in ids)
            UsageException.Of(() => HubId.Parse(id));
        var paths = new List<string>();
        foreach (var id in ids)
        {
            HubProgress? last = null;
            await ProgressDisplay.RunAsync(
                terminal,
                async show =>
                {
                    show(Title(id), 0, 1);
                    paths.Add(await ModelHub.DownloadAsync(
                        id, options, new DirectProgress<HubProgress>(Report), cancellationToken).ConfigureAwait(false));

                    void Report(HubProgress progress)
                    {
                        last = progress;
                        show(Title(id), progress.Total == 0 ? 1 : (double)progress.Done / progress.Total, 1);
                    }
                },
                _ => last is { } progress ? Detail(progress) : "").ConfigureAwait(false);
            if (!json)
                terminal.Result(paths[^1]);
        }

        if (json)
            Json.Print(terminal, new { models = ids.Zip(paths, (id, path) => new { id, path }) });
        return App.Success;
    }

    private static string Title(string id) => $"downloading {id}";

    private static string Detail(HubProgress progress) => string.Create(
        CultureInfo.InvariantCulture, $"{progress.File}, {progress.Done / 1e6:N0} of {progress.Total / 1e6:N0} MB");
}
