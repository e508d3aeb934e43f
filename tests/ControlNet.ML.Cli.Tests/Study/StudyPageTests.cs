using System.Net;
using System.Text.RegularExpressions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Tests.Study;

/// <summary>The pages of a study, over HTTP.</summary>
public sealed partial class StudyPageTests
{
    [Fact]
    public async Task An_answer_is_saved_and_shown_again_and_the_next_question_follows()
    {
        await using var work = new StudyWorkplace();
        var rater = (await work.ServeAsync(3, 2, 1, "--condition", "conditions"))[0];

        Assert.Contains($"/r/{rater.Token}/1\">Start", await work.PageAsync($"/r/{rater.Token}"), StringComparison.Ordinal);
        using var answer = await work.RankAsync(rater, 1, [2, 0, 1]);

        Assert.Equal((HttpStatusCode.SeeOther, StudyWorkplace.Path(rater, 2)), (answer.StatusCode, answer.Headers.Location!.OriginalString));
        var again = await work.PageAsync(StudyWorkplace.Path(rater, 1));
        Assert.Equal([2, 0, 1], StudyWorkplace.ImagesOn(again).Select(image => image.Method));
        Assert.Equal(["1", "2", "3"], Selected().Matches(again).Select(match => match.Groups[1].Value));
        Assert.Contains("Continue with question 2", await work.PageAsync($"/r/{rater.Token}"), StringComparison.Ordinal);
        for (var place = 2; place <= 4; place++)
            using (await work.RankAsync(rater, place, [0, 1, 2])) { }
        Assert.Contains("That was all", await work.PageAsync($"/r/{rater.Token}/end"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pages_name_no_method_and_each_rater_sees_an_order_of_their_own()
    {
        await using var work = new StudyWorkplace();
        var raters = await work.ServeAsync(4, 3, 4, "--condition", "conditions");

        HashSet<string> orders = [];
        foreach (var rater in raters)
        {
            var pages = await Task.WhenAll(Enumerable.Range(1, 6).Select(place => work.PageAsync(StudyWorkplace.Path(rater, place))));
            Assert.DoesNotContain(pages, page => page.Contains("method-", StringComparison.Ordinal) || raters.Any(other => other != rater && page.Contains(other.Token, StringComparison.Ordinal)));
            Assert.All(pages.SelectMany(page => Alternative().Matches(page)), match => Assert.Matches("^(Image [A-D]|The guide that the images should follow)$", match.Groups[1].Value));
            orders.Add(string.Join(' ', pages.SelectMany(StudyWorkplace.ImagesOn).Select(image => image.Key)));
        }

        Assert.Equal(raters.Length, orders.Count);
    }

    [Fact]
    public async Task An_image_carries_its_pixels_and_nothing_of_its_maker()
    {
        await using var work = new StudyWorkplace();
        var rater = (await work.ServeAsync(2, 1, 1))[0];
        foreach (var (key, method) in StudyWorkplace.ImagesOn(await work.PageAsync(StudyWorkplace.Path(rater, 1))))
        {
            using var response = await work.GetAsync($"/r/{rater.Token}/image/{key}");
            var bytes = await response.Content.ReadAsByteArrayAsync();
            var source = ImageCodec.Load($"{(char)('a' + method)}/0.png");

            Assert.Equal(source.Samples, ImageCodec.Decode(bytes, "image").Samples);
            Assert.DoesNotContain("made by", System.Text.Encoding.Latin1.GetString(bytes), StringComparison.Ordinal);
            Assert.Contains("immutable", response.Headers.CacheControl!.ToString(), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("has no place yet", "1", "")]
    [InlineData("has no place yet", "1", "3")]
    [InlineData("has no place yet", "1", "-1")]
    [InlineData("Two images have place 2", "2", "2")]
    public async Task An_answer_that_is_no_order_is_refused_with_what_was_chosen(string because, string a, string b)
    {
        await using var work = new StudyWorkplace();
        var rater = (await work.ServeAsync(2, 1, 1))[0];
        var path = StudyWorkplace.Path(rater, 1);
        var images = StudyWorkplace.ImagesOn(await work.PageAsync(path));

        using var answer = await work.PostAsync(path, (images[0].Key, a), (images[1].Key, b));

        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
        var page = await answer.Content.ReadAsStringAsync();
        Assert.Contains(because, page, StringComparison.Ordinal);
        Assert.Equal(a, Selected().Match(page).Groups[1].Value);
        Assert.Contains("0 of 1", await StatusAsync(work), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_two_windows_with_one_link_the_later_answer_counts_and_the_page_says_so()
    {
        await using var work = new StudyWorkplace();
        var rater = (await work.ServeAsync(2, 2, 1))[0];

        using var first = await work.RankAsync(rater, 1, [0, 1]);
        using var second = await work.RankAsync(rater, 1, [1, 0], revision: 0);
        using var third = await work.RankAsync(rater, 1, [0, 1], revision: 2);

        Assert.EndsWith("/2", first.Headers.Location!.OriginalString, StringComparison.Ordinal);
        Assert.EndsWith("/2?replaced=1", second.Headers.Location!.OriginalString, StringComparison.Ordinal);
        Assert.EndsWith("/2", third.Headers.Location!.OriginalString, StringComparison.Ordinal);
        Assert.Contains("Question 1 had been answered in another window", await work.PageAsync(second.Headers.Location.OriginalString), StringComparison.Ordinal);
        Assert.Equal([0, 1], StudyWorkplace.ImagesOn(await work.PageAsync(StudyWorkplace.Path(rater, 1))).Select(image => image.Method));
    }

    [Fact]
    public async Task Many_raters_at_once_answer_without_losing_an_answer()
    {
        await using var work = new StudyWorkplace();
        var raters = await work.ServeAsync(3, 4, 20);

        await Task.WhenAll(raters.Select(async rater =>
        {
            for (var place = 1; place <= 4; place++)
                using (await work.RankAsync(rater, place, [2, 1, 0])) { }
        }));

        Assert.Equal(20, (await StatusAsync(work)).Split("4 of 4").Length - 1);
    }

    [Theory]
    [InlineData("/r/abcdefghijkmnpqrstuvwxyz23", 404)]
    [InlineData("/r/../study.db", 404)]
    [InlineData("/nothing", 404)]
    [InlineData("TOKEN/3", 404)]
    [InlineData("TOKEN/0", 404)]
    [InlineData("TOKEN/99999999999999", 404)]
    [InlineData("TOKEN/samples", 404)]
    [InlineData("TOKEN/image/../../study.db", 404)]
    [InlineData("TOKEN/image/abc", 404)]
    [InlineData("/", 200)]
    public async Task What_is_not_there_is_not_found_and_every_answer_has_its_headers(string path, int status)
    {
        await using var work = new StudyWorkplace();
        var rater = (await work.ServeAsync(2, 2, 1))[0];

        using var answer = await work.GetAsync(path.Replace("TOKEN", $"/r/{rater.Token}", StringComparison.Ordinal));

        Assert.Equal(status, (int)answer.StatusCode);
        Assert.StartsWith("default-src 'none'", answer.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        Assert.Equal("no-referrer", answer.Headers.GetValues("Referrer-Policy").Single());
        Assert.True(answer.Headers.CacheControl!.NoStore);
        Assert.Empty(answer.Headers.Server);
        Assert.DoesNotContain(rater.Token, await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_of_the_study_that_change_are_noticed_and_the_rater_is_told()
    {
        await using var work = new StudyWorkplace();
        var rater = (await work.ServeAsync(2, 1, 1))[0];
        var path = StudyWorkplace.Path(rater, 1);
        var key = StudyWorkplace.ImagesOn(await work.PageAsync(path))[0].Key;
        var (copy, other) = ($"study/images/{key}.png", new ImageBuffer(3, 3, 3));

        ImageCodec.SavePng(copy, other);
        using (var image = await work.GetAsync($"/r/{rater.Token}/image/{key}"))
            Assert.Equal(HttpStatusCode.ServiceUnavailable, image.StatusCode);
        var again = await work.Tool.RunAsync("study", "serve", "study", "--port", "0");
        Assert.Equal(App.Failed, again.Code);
        Assert.Contains("was changed since the study was created", again.Error, StringComparison.Ordinal);

        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows does not delete files that are open.");
        File.Delete("study/study.db");
        using var answer = await work.PostAsync(path, (key, "1"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Contains("Nothing can be saved", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(2, work.Warnings.Count);
        Assert.Contains("was deleted or replaced", work.Warnings[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Makers_are_named_by_number_and_half_of_the_images_are_of_either()
    {
        await using var work = new StudyWorkplace();
        var rater = (await work.ServeAsync(2, 8, 1, "--form", "which", "--samples", "2"))[0];
        var samples = StudyWorkplace.ImagesOn(await work.PageAsync($"/r/{rater.Token}/samples"));
        Assert.Equal([rater.Makers[0], rater.Makers[0], rater.Makers[1], rater.Makers[1]], samples.Select(image => image.Method));

        List<int> asked = [];
        for (var place = 1; place <= 6; place++)
        {
            asked.Add(StudyWorkplace.ImagesOn(await work.PageAsync(StudyWorkplace.Path(rater, place)))[0].Method);
            using var answer = await work.PostAsync(StudyWorkplace.Path(rater, place), ("maker", "1"));
            Assert.Equal(HttpStatusCode.SeeOther, answer.StatusCode);
        }

        Assert.Equal(3, asked.Count(method => method == 0));
        using var nothing = await work.PostAsync(StudyWorkplace.Path(rater, 1), ("maker", "3"));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, nothing.StatusCode);
        await work.CloseAsync();
        var report = await work.Tool.RunAsync("study", "report", "study");
        Assert.Contains("Precision 0.50 ± 0.00", report.Output, StringComparison.Ordinal);
    }

    private static async Task<string> StatusAsync(StudyWorkplace work)
    {
        using var stop = new CancellationTokenSource();
        var running = work.Tool.RunAsync(stop.Token, "study", "serve", "study", "--port", "0");
        await stop.CancelAsync();
        return (await running).Output;
    }

    [GeneratedRegex(@"<option value=""(\d)"" selected>")]
    private static partial Regex Selected();

    [GeneratedRegex(@"alt=""([^""]*)""")]
    private static partial Regex Alternative();
}
