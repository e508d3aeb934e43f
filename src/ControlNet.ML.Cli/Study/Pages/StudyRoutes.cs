using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using ControlNet.ML.Cli.Study.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace ControlNet.ML.Cli.Study.Pages;

/// <summary>
/// The addresses of a study and what they answer. The secret in a personal link is all that a request needs: there are no cookies, so
/// another site cannot make a rater's browser answer anything.
/// </summary>
/// <param name="folder">The study.</param>
/// <param name="clock">The time of the answers.</param>
/// <param name="warn">Receives what the person who runs the study should know.</param>
internal sealed class StudyRoutes(StudyFolder folder, TimeProvider clock, Action<string> warn) : IDisposable
{
    private const string Forever = "private, max-age=31536000, immutable";
    private const string Replaced = "replaced";

    private readonly ConcurrentDictionary<string, bool> _warned = [];
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>Adds the routes.</summary>
    public void AddTo(WebApplication app)
    {
        app.Use(GuardAsync);
        app.UseRouting();
        app.MapGet("/", context => SendAsync(context, Reply.Of(PageLayout.Message(
            "Image study", "This study is open to those who have a personal link. Please open yours."))));
        foreach (var (name, (bytes, type, _)) in PageLayout.Assets)
            app.MapGet($"/{name}", context => SendAsync(context, bytes, type));
        app.MapGet("/r/{token}", ForRater((_, pages, rater) => Reply.Of(pages.Welcome(Next(rater)))));
        app.MapGet("/r/{token}/end", ForRater((context, pages, rater) => Reply.Of(pages.End(Next(rater), Notice(context)))));
        app.MapGet("/r/{token}/samples", ForRater((_, pages, rater) =>
            folder.Definition.Samples.Any() ? Reply.Of(pages.Samples(Next(rater))) : NotFound));
        app.MapGet("/r/{token}/image/{key}", ImageAsync);
        app.MapGet("/r/{token}/{place:int}", ForRater(Question));
        app.MapPost("/r/{token}/{place:int}", AnswerAsync);
        app.MapFallback(context => SendAsync(context, NotFound));
    }

    public void Dispose() => _turn.Dispose();

    private static Reply NotFound { get; } = new(StatusCodes.Status404NotFound, PageLayout.Message(
        "There is no such page",
        "Please check the link: it has to be copied as a whole. If you have it from an e-mail, open it from there."));

    private static async Task SendAsync(HttpContext context, Reply reply)
    {
        context.Response.StatusCode = reply.Status;
        if (reply.Address is { } address)
            context.Response.Headers.Location = address;
        if (reply.Page is not { } page)
            return;
        context.Response.ContentType = "text/html; charset=utf-8";
        var bytes = Encoding.UTF8.GetBytes(page);
        context.Response.ContentLength = bytes.Length;
        await context.Response.Body.WriteAsync(bytes, context.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>Sends a file whose address changes with its content.</summary>
    private static async Task SendAsync(HttpContext context, byte[] bytes, string type)
    {
        context.Response.Headers.CacheControl = Forever;
        context.Response.ContentType = type;
        context.Response.ContentLength = bytes.Length;
        await context.Response.Body.WriteAsync(bytes, context.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>What the page after an answer says if the answer replaced one of another window.</summary>
    private static string? Notice(HttpContext context) =>
        int.TryParse(context.Request.Query[Replaced], NumberStyles.None, CultureInfo.InvariantCulture, out var place)
            ? $"Question {place} had been answered in another window or on another device in the meantime. Your latest answer counts."
            : null;

    /// <summary>Headers of every answer, and a page for every failure.</summary>
    private async Task GuardAsync(HttpContext context, RequestDelegate next)
    {
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; form-action 'self'; "
            + "base-uri 'none'; frame-ancestors 'none'";
        headers.XContentTypeOptions = "nosniff";
        headers.CacheControl = "no-store";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers["X-Robots-Tag"] = "noindex, nofollow";
        try
        {
            await next(context).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The browser has gone.
        }
        catch (BadHttpRequestException e) when (!context.Response.HasStarted)
        {
            await SendAsync(
                context, new Reply(e.StatusCode, PageLayout.Message("This was not understood", "Please go back and try again.")))
                .ConfigureAwait(false);
        }
        catch (ControlNetException e) when (!context.Response.HasStarted)
        {
            if (_warned.TryAdd(e.Message, true))
                warn(e.Message);
            headers.CacheControl = "no-store";
            await SendAsync(context, Unavailable).ConfigureAwait(false);
        }
    }

    private static Reply Unavailable { get; } = new(StatusCodes.Status503ServiceUnavailable, PageLayout.Message(
        "Nothing can be saved at the moment",
        "The files of this study were changed or cannot be read. Please tell the person who sent you the link."));

    /// <summary>
    /// Uses the study's file in turn. A request waits without holding a thread: the few that there are would all wait for one of them,
    /// which the system may have stopped for a while.
    /// </summary>
    private async Task<T> InTurnAsync<T>(Func<T> use, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return use();
        }
        finally
        {
            _turn.Release();
        }
    }

    private RequestDelegate ForRater(Func<HttpContext, RaterPages, Rater, Reply> answer) => async context =>
        await SendAsync(context, await ReplyAsync(context, answer).ConfigureAwait(false)).ConfigureAwait(false);

    private Task<Reply> ReplyAsync(HttpContext context, Func<HttpContext, RaterPages, Rater, Reply> answer) => InTurnAsync(
        () => Find(context) is { } rater ? answer(context, new RaterPages(folder.Definition, rater), rater) : NotFound,
        context.RequestAborted);

    private Rater? Find(HttpContext context) =>
        context.Request.RouteValues["token"] is string token && StudySecrets.IsOne(token) ? folder.Answers.Find(token) : null;

    private AnsweredTask? Find(HttpContext context, Rater rater) =>
        int.TryParse(context.Request.RouteValues["place"] as string, NumberStyles.None, CultureInfo.InvariantCulture, out var place)
            ? folder.Answers.Task(rater.Number, place)
            : null;

    private int? Next(Rater rater) => folder.Answers.FirstOpen(rater.Number);

    private async Task ImageAsync(HttpContext context)
    {
        var rater = await InTurnAsync(() => Find(context), context.RequestAborted).ConfigureAwait(false);
        await (rater is not null && folder.Definition.Find(context.Request.RouteValues["key"] as string ?? "") is { } found
            ? SendAsync(context, folder.ReadImage(found.Image), "image/png")
            : SendAsync(context, NotFound)).ConfigureAwait(false);
    }

    private Reply Question(HttpContext context, RaterPages pages, Rater rater) =>
        Find(context, rater) is { } task ? Reply.Of(Show(task, pages, Notice(context), null)) : NotFound;

    private static string Show(
        AnsweredTask task, RaterPages pages, string? notice, string? problem, IReadOnlyDictionary<string, int>? chosen = null) =>
        task.Task.Question == StudyQuestion.Which
            ? pages.Which(task, notice, problem)
            : pages.Rank(task, chosen ?? AnswerForm.Turn(task.Values, task.Task.Shown.Count), notice, problem);

    private async Task AnswerAsync(HttpContext context)
    {
        var form = await ReadAsync(context).ConfigureAwait(false);
        await SendAsync(context, await ReplyAsync(context, Answer).ConfigureAwait(false)).ConfigureAwait(false);

        Reply Answer(HttpContext _, RaterPages pages, Rater rater) =>
            Find(context, rater) is { } task ? this.Answer(task, pages, rater, form) : NotFound;
    }

    private Reply Answer(AnsweredTask task, RaterPages pages, Rater rater, IFormCollection form)
    {
        var (values, problem, chosen) = Read(task, rater, form);
        if (problem is not null)
            return new Reply(StatusCodes.Status422UnprocessableEntity, Show(task, pages, null, problem, chosen));
        var place = task.Task.Place;
        var isReplaced = folder.Answers.Save(rater.Number, place, values, AnswerForm.Revision(form), clock.GetUtcNow());

        // The address of a page that is shown: going back, or loading it again, sends nothing twice.
        var next = Next(rater) is { } open ? $"{open}" : "end";
        return Reply.See($"/r/{rater.Token}/{next}{(isReplaced ? $"?{Replaced}={place}" : "")}");
    }

    private static async Task<IFormCollection> ReadAsync(HttpContext context)
    {
        try
        {
            return await context.Request.ReadFormAsync(context.RequestAborted).ConfigureAwait(false);
        }
        catch (Exception e) when (e is InvalidDataException or InvalidOperationException)
        {
            // No form, or a damaged one.
            throw new BadHttpRequestException(e.Message, e);
        }
    }

    private static (IReadOnlyDictionary<string, int> Values, string? Problem, IReadOnlyDictionary<string, int>? Chosen) Read(
        AnsweredTask task, Rater rater, IFormCollection form)
    {
        if (task.Task.Question != StudyQuestion.Which)
        {
            var places = AnswerForm.Places(task.Task, form, out var problem);
            return (AnswerForm.Turn(places, task.Task.Shown.Count), problem, places);
        }

        return AnswerForm.Maker(form) is { } maker
            ? (new Dictionary<string, int> { [task.Task.Shown[0]] = rater.Makers[maker - 1] }, null, null)
            : (task.Values, "No program was chosen: choose one of the two.", null);
    }
}
