using System.Net;
using ControlNet.ML.Cli.Study.Store;

namespace ControlNet.ML.Cli.Study.Pages;

/// <summary>The arguments of <c>study serve</c>.</summary>
/// <param name="Folder">The study.</param>
/// <param name="Host">The address of this machine to listen on.</param>
/// <param name="Port">The port; 0 for a free one.</param>
/// <param name="Url">The address for the links; null for the one that is listened on.</param>
/// <param name="Raters">The number of links; null for those that there are.</param>
/// <param name="RatersAtFirst">The number of links if there are none.</param>
internal sealed record ServeSettings(string Folder, IPAddress Host, int Port, string? Url, int? Raters, int RatersAtFirst);

/// <summary>One call of <c>study serve</c>, until it is stopped.</summary>
internal static class ServeRun
{
    /// <summary>Serves the study.</summary>
    /// <returns>The exit code: success, since to be stopped is how it ends.</returns>
    /// <exception cref="ControlNetException">The study is damaged, or the port cannot be used.</exception>
    public static async Task<int> RunAsync(Terminal terminal, ServeSettings settings, bool asJson, CancellationToken cancellationToken)
    {
        using var study = StudyFolder.Open(settings.Folder);
        study.CheckImages(cancellationToken);
        var there = study.Answers.Raters().Count;
        study.Answers.EnsureRaters(settings.Raters ?? (there == 0 ? settings.RatersAtFirst : there), StudySecrets.New);
        var server = await StudyServer.StartAsync(
            study, settings.Host, settings.Port, terminal.Clock, Warn, cancellationToken).ConfigureAwait(false);
        await using (server.ConfigureAwait(false))
        {
            Print(terminal, study, BaseOf(settings, server.Address), asJson);
            terminal.Say($"listening on {server.Address}; Ctrl-C stops.");
            await Stopped(cancellationToken).ConfigureAwait(false);
        }

        terminal.Say("stopped; the answers are saved, and the same command continues.");
        return App.Success;

        void Warn(string message)
        {
            lock (study)
                terminal.Warn(message);
        }
    }

    private static void Print(Terminal terminal, StudyFolder study, string root, bool asJson)
    {
        var (raters, total) = (study.Answers.Raters(), study.Definition.TaskCount);
        if (asJson)
        {
            Json.Print(terminal, new
            {
                address = root,
                questions = total,
                raters = raters.Select(rater => new { rater = rater.Number, link = Link(rater), answered = rater.Answered }),
            });
        }
        else
        {
            terminal.Result("Give each rater one of these links:");
            foreach (var rater in raters)
                terminal.Result($"{rater.Number,4}  {Link(rater)}  {rater.Answered} of {total} answered");
        }

        string Link(Rater rater) => $"{root}/r/{rater.Token}";
    }

    /// <summary>The beginning of the links: a machine that listens on all its addresses is reached by its name.</summary>
    private static string BaseOf(ServeSettings settings, Uri address)
    {
        if (settings.Url is { } url)
            return url.TrimEnd('/');
        var isAny = settings.Host.Equals(IPAddress.Any) || settings.Host.Equals(IPAddress.IPv6Any);
        return isAny ? $"http://{Dns.GetHostName()}:{address.Port}" : address.GetLeftPart(UriPartial.Authority);
    }

    private static async Task Stopped(CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(Timeout.Infinite, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // This is how it ends.
        }
    }
}
