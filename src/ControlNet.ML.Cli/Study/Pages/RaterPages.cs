using ControlNet.ML.Cli.Study.Store;

namespace ControlNet.ML.Cli.Study.Pages;

/// <summary>The pages of one rater, as HTML. Nothing in them names a method, or another rater.</summary>
/// <param name="study">The study.</param>
/// <param name="rater">The rater.</param>
internal sealed class RaterPages(StudyDefinition study, Rater rater)
{
    private string Root => $"/r/{rater.Token}";

    private int Total => study.TaskCount;

    /// <summary>The page behind the personal link.</summary>
    /// <param name="next">The first question without an answer, or null.</param>
    public string Welcome(int? next)
    {
        var what = study.Form == StudyForm.Which
            ? $"Two programs made images. {(study.Samples.Any() ? "First you see samples of both. " : "")}You are asked about "
                + $"{StudyNames.Count(Total, "image")}: which of the two made it?"
            : $"You see groups of {study.Methods.Count} images, and put each group in order, the best first: "
                + $"{StudyNames.Count(Total, "question")} in all.";
        var (address, label) = next is not { } place ? ($"{Root}/end", "See the end")
            : rater.Answered > 0 ? ($"{Root}/{place}", $"Continue with question {place}")
            : study.Form == StudyForm.Which && study.Samples.Any() ? ($"{Root}/samples", "See the samples")
            : ($"{Root}/{place}", "Start");
        Html progress = $"""<p class="note">You have answered {rater.Answered} of {Total} questions.</p>""";
        Html content = $"""
            <h1>Thank you for helping with this study</h1>
            <p>{what}</p>
            <p>There is no right or wrong: what counts is what you see. Each answer is saved as you go on. You can stop at any time, and
            continue with the same link, also on another device. The link is yours alone: please do not pass it on.</p>
            {(rater.Answered > 0 ? progress : Html.None)}
            <p><a class="button" href="{address}">{label}</a></p>
            """;
        return PageLayout.Page("Welcome", content);
    }

    /// <summary>The page after the last question.</summary>
    /// <param name="next">The first question without an answer, or null.</param>
    /// <param name="notice">What to say first, or null.</param>
    public string End(int? next, string? notice)
    {
        Html open = $"""
            <h1>Not quite done</h1>
            <p>You have answered {rater.Answered} of {Total} questions.</p>
            <p><a class="button" href="{Root}/{next ?? 1}">Continue with question {next ?? 1}</a></p>
            """;
        Html done = $"""
            <h1>That was all. Thank you!</h1>
            <p>All your {StudyNames.Count(Total, "answer")} are saved. You can close this page, or go back and change an answer.</p>
            <p><a href="{Root}/{Total}">Back to the last question</a></p>
            """;
        Html content = $"{Notice(notice)}{(next is null ? done : open)}";
        return PageLayout.Page("The end", content);
    }

    /// <summary>The samples of both methods, before the first question of the form "which".</summary>
    /// <param name="next">The first question without an answer, or null.</param>
    public string Samples(int? next)
    {
        Html content = $"""
            <h1>Samples of the two programs</h1>
            <p>Look at what each program makes. Afterwards you are asked which of the two made an image; you can look at the samples again
            then.</p>
            {SampleSections()}
            <p><a class="button" href="{Root}/{next ?? Total}">Go on to the questions</a></p>
            """;
        return PageLayout.Page("Samples", content);
    }

    /// <summary>A question of the form "rank".</summary>
    /// <param name="task">The question.</param>
    /// <param name="chosen">The place that was chosen for each image, 1 the best; empty for a question without an answer.</param>
    /// <param name="notice">What to say first, or null.</param>
    /// <param name="problem">What is wrong with the answer that was sent, or null.</param>
    public string Rank(AnsweredTask task, IReadOnlyDictionary<string, int> chosen, string? notice, string? problem)
    {
        var shown = task.Task.Shown;
        var isQuality = task.Task.Question == StudyQuestion.Quality;
        var (heading, text) = isQuality
            ? ("Which image looks best?", "Order the images by how good they look: clear, natural and free of errors.")
            : ("Which image follows the guide best?", "Order the images by how closely they follow the guide, however good they look.");
        var hasOrder = chosen.Count == shown.Count && chosen.Values.Distinct().Count() == shown.Count;
        var cards = shown.Index().OrderBy(pair => hasOrder ? chosen[pair.Item] : pair.Index)
            .Select(pair => Card(pair.Item, (char)('A' + pair.Index), shown.Count, chosen.GetValueOrDefault(pair.Item)));
        Html content = $"""
            {Progress(task.Task.Place)}
            {Notice(notice)}
            <h1>{heading}</h1>
            <p id="how">{text} <span class="without-script">Choose a place for each image; 1 is the best.</span>
            <span class="with-script">Drag each image to its place by its blue handle, the best to the front; the arrow keys, number keys
            and lists do the same.</span></p>
            {Problem(problem)}
            {Guide(task.Task, withCondition: !isQuality)}
            <form method="post" action="{Root}/{task.Task.Place}" id="ranking" data-ordered="{(hasOrder ? "yes" : "no")}">
            <input type="hidden" name="revision" value="{task.Revision}">
            <ol class="cards" id="cards">
            {Html.Join(cards)}
            </ol>
            {Actions(task.Task.Place, withButton: true)}
            </form>
            """;
        return PageLayout.Page($"Question {task.Task.Place} of {Total}", content);
    }

    /// <summary>A question of the form "which".</summary>
    /// <param name="task">The question.</param>
    /// <param name="notice">What to say first, or null.</param>
    /// <param name="problem">What is wrong with the answer that was sent, or null.</param>
    public string Which(AnsweredTask task, string? notice, string? problem)
    {
        var key = task.Task.Shown[0];
        int? named = task.Values.TryGetValue(key, out var method) ? rater.Makers.ToList().IndexOf(method) + 1 : null;
        var image = study.Find(key)!.Value.Image;
        Html before = $"""<p class="note">You said program {named ?? 0}. Another answer replaces it.</p>""";
        Html samples = $"""
            <details>
            <summary>Look at the samples again</summary>
            {SampleSections()}
            </details>
            """;
        Html content = $"""
            {Progress(task.Task.Place)}
            {Notice(notice)}
            <h1>Which of the two programs made this image?</h1>
            {Problem(problem)}
            {Guide(task.Task, withCondition: true)}
            <figure class="single">{Picture(image, "The image in question", isLazy: false)}</figure>
            {(named is null ? Html.None : before)}
            <form method="post" action="{Root}/{task.Task.Place}" id="naming">
            <input type="hidden" name="revision" value="{task.Revision}">
            <p class="choices">{Html.Join(Enumerable.Range(1, 2).Select(Choice))}</p>
            {Actions(task.Task.Place, withButton: false)}
            </form>
            {(study.Samples.Any() ? samples : Html.None)}
            """;
        return PageLayout.Page($"Question {task.Task.Place} of {Total}", content);

        Html Choice(int maker) =>
            $"""<button name="maker" value="{maker}" aria-pressed="{(named == maker ? "true" : "false")}">Program {maker}</button> """;
    }

    private static Html Notice(string? text)
    {
        Html notice = $"""<p class="notice" role="status">{text}</p>""";
        return text is null ? Html.None : notice;
    }

    private static Html Problem(string? text)
    {
        Html problem = $"""<p class="problem" role="alert">{text}</p>""";
        return text is null ? Html.None : problem;
    }

    private Html Progress(int place) => $"""
        <div class="progress">
        <label for="done">Question {place} of {Total}</label>
        <progress id="done" max="{Total}" value="{rater.Answered}">{rater.Answered} answered</progress>
        </div>
        """;

    private Html Guide(StudyTask task, bool withCondition)
    {
        var group = study.Groups[task.Group - 1];
        Html prompt = $"""<p class="prompt">Asked for: <q>{group.Prompt}</q></p>""";
        Html condition = $"""
            <figure class="guide">
            {(group.Condition is { } image ? Picture(image, "The guide that the images should follow", isLazy: false) : Html.None)}
            <figcaption>The guide</figcaption>
            </figure>
            """;
        return $"{(withCondition && group.Condition is not null ? condition : Html.None)}{(group.Prompt is null ? Html.None : prompt)}";
    }

    private Html Card(string key, char letter, int count, int chosen)
    {
        var name = $"Image {letter.ToString()}";
        var options = Enumerable.Range(1, count).Select(Option);
        return $"""
            <li class="card" data-name="{name}">
            {Picture(study.Find(key)!.Value.Image, name, isLazy: false)}
            <div class="place">
            <label for="place-{key}">{name}</label>
            <select id="place-{key}" name="{key}" aria-describedby="how">
            <option value="">place …</option>
            {Html.Join(options)}
            </select>
            </div>
            </li>
            """;

        Html Option(int place)
        {
            Html end = $"{(place == 1 ? " – best" : place == count ? " – worst" : "")}";
            Html selected = $" selected";
            return $"""<option value="{place}"{(place == chosen ? selected : Html.None)}>{place}{end}</option>""";
        }
    }

    private Html SampleSections() => Html.Join(rater.Makers.Index().Select(maker => Section(maker.Index + 1, maker.Item)));

    private Html Section(int maker, int method) => $"""
        <section>
        <h2>Program {maker}</h2>
        <ul class="samples">
        {Html.Join(study.Samples.Select((group, i) => Sample(group.Images[method], $"Sample {i + 1} of program {maker}")))}
        </ul>
        </section>
        """;

    private Html Sample(StudyImage image, string name) => $"<li>{Picture(image, name, isLazy: true)}</li>";

    private Html Picture(StudyImage image, string name, bool isLazy)
    {
        var loading = isLazy ? "lazy" : "eager";
        return $"""
            <img src="{Root}/image/{image.Key}" alt="{name}" width="{image.Width}" height="{image.Height}" loading="{loading}"
            draggable="false">
            """;
    }

    private Html Actions(int place, bool withButton)
    {
        var before = place > 1 ? $"{Root}/{place - 1}" : Root;
        Html button = $"""<button>Save and go on</button>""";
        return $"""
            <div class="actions">
            <p id="said" role="status"></p>
            <a href="{before}">Back</a>
            {(withButton ? button : Html.None)}
            </div>
            """;
    }
}
