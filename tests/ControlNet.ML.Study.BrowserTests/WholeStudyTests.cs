using static Microsoft.Playwright.Assertions;

namespace ControlNet.ML.Study.BrowserTests;

/// <summary>Whole studies, in a real browser.</summary>
public sealed class WholeStudyTests(Browser browser) : IClassFixture<Browser>
{
    private static readonly string[] Methods = ["alpha", "beta", "gamma"];
    private static readonly int[] Wanted = [1, 2, 0];

    [Fact]
    public async Task Three_raters_answer_a_whole_study_with_mouse_finger_and_without_script()
    {
        await using var tool = new StudyTool();
        await tool.CreateAsync(groups: 2, Methods, withConditions: true);
        await tool.ServeAsync(raters: 3);

        // The first drags with a mouse, and stops after the first question.
        await using (var first = await browser.OpenAsync(tool.Links[0]))
        {
            await first.LookAsync("welcome-desktop");
            await first.ClickAsync("Start");
            await first.DragAsync(Wanted);
            await first.LookAsync("rank-desktop");
            await first.SubmitAsync();
            await Expect(first.Heading).ToHaveTextAsync("Which image follows the guide best?");
        }

        // On another machine, the link goes on where it stopped, and shows what was answered.
        await using (var again = await browser.OpenAsync(tool.Links[0]))
        {
            await again.ClickAsync("Continue with question 2");
            await again.ClickAsync("Back");
            Assert.Equal(Wanted, await again.OrderAsync());
            await again.SubmitAsync();
            await AnswerAllAsync(again, again.DragAsync, 2, 4);
            await again.LookAsync("end-desktop");
        }

        await using (var second = await browser.OpenAsync(tool.Links[1], isPhone: true))
        {
            await second.LookAsync("welcome-phone");
            await second.ClickAsync("Start");
            await second.LookAsync("rank-phone");
            await AnswerAllAsync(second, second.DragByFingerAsync, 1, 4);
        }

        await using (var third = await browser.OpenAsync(tool.Links[2], isPhone: true, hasScript: false))
        {
            await third.ClickAsync("Start");
            await third.ChooseAsync(1, 2);
            await third.SubmitAsync();
            await Expect(third.Page.GetByRole(Microsoft.Playwright.AriaRole.Alert)).ToContainTextAsync("has no place yet");
            Assert.Equal("1", await third.Card(1).Locator("select").InputValueAsync());
            await third.LookAsync("problem-phone");
            await AnswerAllAsync(third, third.ChooseAsync, 1, 4);
        }

        Assert.Equal(0, await tool.StopAsync());
        var report = await tool.ReportAsync();
        Assert.Equal(3, report.GetProperty("progress").GetProperty("finished").GetInt32());
        foreach (var question in report.GetProperty("questions").EnumerateArray())
        {
            Assert.Equal([1.0, 3.0, 2.0], question.GetProperty("methods").EnumerateArray().Select(method => method.GetProperty("mean").GetDouble()));
            Assert.Equal(1.0, question.GetProperty("krippendorff_alpha").GetDouble(), 1e-12);
        }
    }

    [Fact]
    public async Task Keys_and_lists_rank_too_and_two_windows_of_one_link_do_not_spoil_an_answer()
    {
        await using var tool = new StudyTool();
        await tool.CreateAsync(groups: 1, Methods, withConditions: false);
        await tool.ServeAsync(raters: 1);
        await using var one = await browser.OpenAsync($"{tool.Links[0]}/1");
        await using var two = await browser.OpenAsync($"{tool.Links[0]}/1");
        var start = await one.OrderAsync();

        // An order that nobody touched is asked about.
        await two.ClickAsync("Save and go on");
        await Expect(two.Said).ToContainTextAsync("You have not moved an image");

        // The first stop of the keyboard is the first handle.
        await one.Page.Keyboard.PressAsync("Tab");
        Assert.Equal("handle", await one.Page.EvaluateAsync<string>("() => document.activeElement.className"));
        await one.Page.Keyboard.PressAsync("ArrowRight");
        Assert.Equal((int[])[start[1], start[0], start[2]], await one.OrderAsync());
        await one.Page.Keyboard.PressAsync("3");
        Assert.Equal((int[])[start[1], start[2], start[0]], await one.OrderAsync());
        await Expect(one.Said).ToContainTextAsync("is in place 3 of 3");
        await one.Page.Keyboard.PressAsync("Home");
        Assert.Equal(start, await one.OrderAsync());
        await one.ChooseAsync(0);
        Assert.Equal(0, (await one.OrderAsync())[0]);
        await one.DragAsync(0, 1, 2);
        Assert.InRange(await one.ContrastAsync(), 4.5, 21);
        foreach (var image in await one.Page.Locator("img").AllAsync())
            Assert.Matches("^Image [A-C]$", await image.GetAttributeAsync("alt"));
        Assert.DoesNotMatch("alpha|beta|gamma", await one.Page.ContentAsync());
        await one.SubmitAsync();
        await Expect(one.Heading).ToContainTextAsync("Thank you");

        await two.DragAsync(2, 0, 1);
        await two.SubmitAsync();
        await Expect(two.Page.Locator(".notice")).ToContainTextAsync("answered in another window");
        await two.LookAsync("replaced-desktop");
        var rows = await tool.ExportAsync();
        Assert.Equal(["alpha,2", "beta,1", "gamma,3"], rows.Skip(1).Select(row => row.Split(',')).Select(row => $"{row[2]},{row[4]}").Order());
    }

    [Fact]
    public async Task Raters_name_the_maker_of_an_image()
    {
        await using var tool = new StudyTool();
        await tool.CreateAsync(groups: 4, Methods[..2], withConditions: true, "--form", "which");
        await tool.ServeAsync(raters: 1);
        await using var rater = await browser.OpenAsync(tool.Links[0], isPhone: true);

        await rater.ClickAsync("See the samples");
        await Expect(rater.Page.Locator("h2")).ToHaveTextAsync(["Program 1", "Program 2"]);
        await rater.LookAsync("samples-phone");
        var makers = await WidthsAsync(rater, ".samples img");
        Assert.Equal([2, 2], makers.GroupBy(width => width).Select(same => same.Count()));
        await rater.ClickAsync("Go on to the questions");
        await rater.LookAsync("which-phone");
        for (var question = 1; question <= 2; question++)
        {
            await Expect(rater.Page.GetByText($"Question {question} of 2")).ToBeVisibleAsync();
            var maker = (await WidthsAsync(rater, ".single img"))[0] == makers[0] ? 1 : 2;
            if (question == 1)
                await rater.Page.Keyboard.PressAsync($"{maker}");
            else
                await rater.ClickAsync($"Program {maker}");
        }

        await Expect(rater.Heading).ToContainTextAsync("Thank you");
        var report = await tool.ReportAsync();
        Assert.Equal((2, 1.0), (report.GetProperty("which").GetProperty("answers").GetInt32(), report.GetProperty("which").GetProperty("mean").GetDouble()));
    }

    private static async Task AnswerAllAsync(RaterPage rater, Func<int[], Task> order, int from, int to)
    {
        for (var question = from; question <= to; question++)
        {
            await Expect(rater.Page.GetByText($"Question {question} of {to}")).ToBeVisibleAsync();
            await order(Wanted);
            await rater.SubmitAsync();
        }

        await Expect(rater.Heading).ToHaveTextAsync("That was all. Thank you!");
    }

    private static async Task<List<string>> WidthsAsync(RaterPage rater, string images)
    {
        List<string> widths = [];
        foreach (var image in await rater.Page.Locator(images).AllAsync())
            widths.Add((await image.GetAttributeAsync("width"))!);
        return widths;
    }
}
