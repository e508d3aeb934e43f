using ControlNet.ML.Adapters;
using ControlNet.ML.Cli.Commands;
using ControlNet.ML.Hub;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Cli;

/// <summary>Fetches models, control networks and adapters of the hub before a command's work, with progress.</summary>
internal static class HubDownloads
{
    /// <summary>Fetches what a command needs and is not in the cache. Names that are no ids of the hub are left to the command.</summary>
    /// <param name="terminal">Where progress is shown.</param>
    /// <param name="model">The value of --model.</param>
    /// <param name="controls">The values of --control.</param>
    /// <param name="loras">The values of --lora.</param>
    /// <param name="embeddings">The values of --embedding.</param>
    /// <param name="load">The variant, the VAE, and the hub.</param>
    /// <param name="cancellationToken">Stops the downloads; what was transferred is kept.</param>
    /// <exception cref="ControlNetException">One cannot be fetched.</exception>
    public static async Task RunAsync(
        Terminal terminal, string model, IEnumerable<string> controls, IEnumerable<LoraWeight> loras,
        IEnumerable<EmbeddingArgument> embeddings, LoadOptions load, CancellationToken cancellationToken)
    {
        (string What, string Name)[] adapters =
        [
            .. loras.Select(lora => (Lora.What, lora.Name)).Concat(embeddings.Select(e => (TextualInversion.What, e.File)))
                .Where(adapter => IsAbsent(adapter.Item2)).Distinct(),
        ];
        var networks = controls.Select(control => ControlArgument.Parse(control).Name).Where(IsAbsent).Distinct().ToList();
        var vae = load.Vae is { } named && IsAbsent(named) ? named : null;
        if (!IsAbsent(model) && networks.Count == 0 && adapters.Length == 0 && vae is null)
            return;
        await ProgressDisplay.RunAsync(terminal, show =>
        {
            if (IsAbsent(model))
                ModelNames.FindModel(model, Reporting(model), cancellationToken);
            if (vae is not null)
                ModelNames.FindVae(vae, Reporting(vae), cancellationToken);
            foreach (var network in networks)
                ModelNames.FindControl(network, BackendChoice.ForControls(Reporting(network), Folder()), cancellationToken);
            foreach (var (what, name) in adapters)
                ModelNames.FindAdapter(what, name, Reporting(name), cancellationToken);

            // What the model consists of decides what is fetched of a network that has both weights and graphs.
            ModelFolder Folder() => ModelFolder.Open(ModelNames.FindModel(model, load, cancellationToken), load);

            LoadOptions Reporting(string name) =>
                load with { Progress = new DirectProgress<double>(done => show($"downloading {name}", done, 1)) };
        }).ConfigureAwait(false);

        bool IsAbsent(string name) => ModelNames.FindHubId(name) is { } id && ModelHub.FindCached(id.ToString(), load) is null;
    }
}
