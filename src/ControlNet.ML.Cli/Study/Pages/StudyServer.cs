using System.Net;
using ControlNet.ML.Cli.Study.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;

namespace ControlNet.ML.Cli.Study.Pages;

/// <summary>
/// The web server of a study. It reads no settings of the environment or the current folder, and logs nothing: what matters goes to the
/// terminal. ASP.NET Core is loaded here and nowhere else.
/// </summary>
internal sealed class StudyServer : IAsyncDisposable
{
    private const int MostFormBytes = 64 << 10;
    private readonly WebApplication _app;
    private readonly StudyRoutes _routes;

    private StudyServer(WebApplication app, StudyRoutes routes, Uri address) => (_app, _routes, Address) = (app, routes, address);

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    /// <summary>Starts to listen.</summary>
    /// <param name="folder">The study; stays open.</param>
    /// <param name="host">The address of this machine to listen on.</param>
    /// <param name="port">The port; 0 for a free one.</param>
    /// <param name="clock">The time of the answers.</param>
    /// <param name="warn">Receives what the person who runs the study should know.</param>
    /// <param name="cancellationToken">Stops the start.</param>
    /// <exception cref="ControlNetException">The port or the address cannot be used.</exception>
    public static async Task<StudyServer> StartAsync(
        StudyFolder folder, IPAddress host, int port, TimeProvider clock, Action<string> warn, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Limits.MaxRequestBodySize = MostFormBytes;
            options.Listen(host, port);
        });
        builder.Services.AddRoutingCore();
        var app = builder.Build();
        var routes = new StudyRoutes(folder, clock, warn);
        routes.AddTo(app);
        try
        {
            await app.StartAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (IOException e)
        {
            await app.DisposeAsync().ConfigureAwait(false);
            routes.Dispose();
            throw new ControlNetException(
                $"{new IPEndPoint(host, port)} cannot be used: {e.GetBaseException().Message}. Another --port or --host may help.", e);
        }

        var listening = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return new StudyServer(app, routes, new Uri(listening));
    }

    /// <summary>Ends, after the requests that are being answered.</summary>
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync().ConfigureAwait(false);
        await _app.DisposeAsync().ConfigureAwait(false);
        _routes.Dispose();
    }
}
