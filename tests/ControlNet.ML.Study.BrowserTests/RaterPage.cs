using System.Globalization;
using Microsoft.Playwright;

namespace ControlNet.ML.Study.BrowserTests;

/// <summary>A rater in front of a browser.</summary>
internal sealed class RaterPage : IAsyncDisposable
{
    private static readonly string? Screenshots = Environment.GetEnvironmentVariable("STUDY_SCREENSHOTS");

    private readonly List<string> _problems = [];

    public RaterPage(IPage page)
    {
        Page = page;

        // What a browser objects to: a script or an image that the content security policy forbids, a file that is not there. A page with
        // an answer that was refused has the status 422, and is none of these.
        page.Console += (_, message) =>
        {
            if (message.Type == "error" && !message.Text.Contains("422", StringComparison.Ordinal))
                _problems.Add(message.Text);
        };
        page.PageError += (_, error) => _problems.Add(error);
    }

    public IPage Page { get; }

    public ILocator Heading => Page.Locator("h1");

    public ILocator Said => Page.Locator("#said");

    public Task ClickAsync(string text) => Page.Locator("a, button").And(Page.GetByText(text, new() { Exact = true })).ClickAsync();

    /// <summary>Saves the answer; an order that is right by chance is confirmed.</summary>
    public async Task SubmitAsync()
    {
        await ClickAsync("Save and go on");
        if (await Page.GetByText("You have not moved an image").IsVisibleAsync())
            await ClickAsync("Save and go on");
    }

    /// <summary>The images in the order in which they are shown, by the number of their method.</summary>
    public async Task<int[]> OrderAsync()
    {
        List<int> order = [];
        foreach (var image in await Page.Locator(".card img").AllAsync())
            order.Add(int.Parse((await image.GetAttributeAsync("width"))!, CultureInfo.InvariantCulture) - StudyTool.Height);
        return [.. order];
    }

    public ILocator Card(int method) => Page.Locator($".card:has(img[width='{StudyTool.Height + method}'])");

    /// <summary>Drags images with the mouse, until they are in an order, the best first.</summary>
    public async Task DragAsync(params int[] order)
    {
        for (var place = 0; place < order.Length; place++)
        {
            var there = (await OrderAsync())[place];
            if (there == order[place])
                continue;
            var (from, to) = await CentersAsync(Card(order[place]).Locator("img"), Card(there).Locator("img"));
            await Page.Mouse.MoveAsync(from.X, from.Y);
            await Page.Mouse.DownAsync();
            await Page.Mouse.MoveAsync(to.X, to.Y, new() { Steps = 6 });
            await Page.Mouse.UpAsync();
        }

        Assert.Equal(order, await OrderAsync());
    }

    /// <summary>Drags images with a finger on their handles.</summary>
    public async Task DragByFingerAsync(params int[] order)
    {
        var devtools = await Page.Context.NewCDPSessionAsync(Page);
        for (var place = 0; place < order.Length; place++)
        {
            var there = (await OrderAsync())[place];
            if (there == order[place])
                continue;
            var (from, to) = await CentersAsync(Card(order[place]).Locator(".handle"), Card(there).Locator("img"));
            await TouchAsync("touchStart", from);
            for (var step = 1; step <= 6; step++)
                await TouchAsync("touchMove", (from.X + ((to.X - from.X) * step / 6), from.Y + ((to.Y - from.Y) * step / 6)));
            await TouchAsync("touchEnd", null);
        }

        Assert.Equal(order, await OrderAsync());

        Task TouchAsync(string type, (float X, float Y)? point) => devtools.SendAsync("Input.dispatchTouchEvent", new()
        {
            ["type"] = type,
            ["touchPoints"] = point is var (x, y) ? new[] { new { x, y } } : [],
        });
    }

    /// <summary>Chooses places in the lists, the best first.</summary>
    public async Task ChooseAsync(params int[] order)
    {
        foreach (var (place, method) in order.Index())
            await Card(method).Locator("select").SelectOptionAsync($"{place + 1}");
    }

    /// <summary>The least contrast of a text to what it stands on.</summary>
    public Task<double> ContrastAsync() => Page.EvaluateAsync<double>("""
        () => {
          const numbers = color => color.match(/[\d.]+/g).map(Number);
          const level = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
          const light = ([r, g, b]) => 0.2126 * level(r) + 0.7152 * level(g) + 0.0722 * level(b);
          const ground = e => {
            for (; e; e = e.parentElement) {
              const color = numbers(getComputedStyle(e).backgroundColor);
              if (color.length < 4 || color[3] > 0) return color;
            }
            return [255, 255, 255];
          };
          const texts = [...document.querySelectorAll("main *")].filter(e => e.checkVisibility()
            && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()));
          return Math.min(...texts.map(e => {
            const [a, b] = [light(numbers(getComputedStyle(e).color)), light(ground(e))];
            return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
          }));
        }
        """);

    /// <summary>Keeps what the page looks like, for people, where STUDY_SCREENSHOTS names a folder.</summary>
    public async Task LookAsync(string name)
    {
        if (Screenshots is not null)
            await Page.ScreenshotAsync(new() { Path = Path.Combine(Screenshots, $"{name}.png"), FullPage = true });
    }

    public async ValueTask DisposeAsync()
    {
        await Page.Context.DisposeAsync();
        Assert.Empty(_problems);
    }

    private static async Task<((float X, float Y) From, (float X, float Y) To)> CentersAsync(ILocator from, ILocator to)
    {
        await to.ScrollIntoViewIfNeededAsync();
        await from.ScrollIntoViewIfNeededAsync();
        return (Center((await from.BoundingBoxAsync())!), Center((await to.BoundingBoxAsync())!));

        static (float X, float Y) Center(LocatorBoundingBoxResult box) => (box.X + (box.Width / 2), box.Y + (box.Height / 2));
    }
}
