using System.Net;

namespace ControlNet.ML.Hub;

/// <summary>What the hub's refusals mean, and what to do about them.</summary>
internal static class HubFailure
{
    /// <summary>Throws for a response that is not a success.</summary>
    /// <param name="response">The response.</param>
    /// <param name="id">The repository.</param>
    /// <param name="path">The requested file; null for the repository itself.</param>
    /// <param name="options">The address, and whether there is a token.</param>
    /// <exception cref="HubBusyException">The failure may pass.</exception>
    /// <exception cref="ControlNetException">It will not.</exception>
    public static void ThrowUnlessOk(HttpResponseMessage response, HubId id, string? path, HubOptions options)
    {
        if (response.IsSuccessStatusCode)
            return;
        var (code, host, name) = ((int)response.StatusCode, options.Endpoint.Host, Message.Name(id.Repository));
        if (response.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout || code >= 500)
            throw new HubBusyException(
                code == 429 ? "too many requests (429)" : $"the server answers with {code}", RetryAfter(response, options.Clock));
        var reason = response.Headers.TryGetValues("X-Error-Code", out var values) ? values.FirstOrDefault() : null;
        throw new ControlNetException((reason, response.StatusCode) switch
        {
            ("GatedRepo", _) =>
                $"{name} on {host} is gated: accept its conditions at {options.Endpoint.AbsoluteUri.TrimEnd('/')}/{id.Repository}, and "
                    + (options.Token is null
                        ? "put an access token of that account into HF_TOKEN."
                        : "check that HF_TOKEN is of that account."),
            ("RevisionNotFound", _) =>
                $"{name} on {host} has no revision {Message.Name(id.Revision)}, expected a branch, a tag or a commit.",
            (_, HttpStatusCode.NotFound) when path is not null => $"{name} on {host} has no file {Message.Name(path)}.",
            (_, HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.NotFound) => options.Token is null
                ? $"{host} has no repository {name}, or it is private and needs an access token in HF_TOKEN ({code})."
                : $"{host} has no repository {name}, or the access token (HF_TOKEN) is invalid or may not read it ({code}).",
            _ => $"{host} refuses {Message.Name(path ?? id.Repository)} of {name}: {code}.",
        });
    }

    private static TimeSpan? RetryAfter(HttpResponseMessage response, TimeProvider clock) => response.Headers.RetryAfter switch
    {
        { Delta: { } pause } => pause,
        { Date: { } date } when date > clock.GetUtcNow() => date - clock.GetUtcNow(),
        _ => null,
    };
}
