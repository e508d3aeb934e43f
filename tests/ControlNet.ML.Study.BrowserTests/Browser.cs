using Microsoft.Playwright;

namespace ControlNet.ML.Study.BrowserTests;

/// <summary>The system's Chromium; Playwright fetches none of its own.</summary>
public sealed class Browser : IAsyncLifetime
{
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = Environment.GetEnvironmentVariable("CHROMIUM") ?? "/usr/bin/chromium",
            Args = ["--no-sandbox"],
        });
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
    }

    /// <summary>A browser of its own: without the cookies, the cache and the pages of any other.</summary>
    internal async Task<RaterPage> OpenAsync(string link, bool isPhone = false, bool hasScript = true)
    {
        var context = await _browser!.NewContextAsync(new()
        {
            ViewportSize = isPhone ? new() { Width = 390, Height = 780 } : new() { Width = 1280, Height = 860 },
            HasTouch = isPhone,
            IsMobile = isPhone,
            DeviceScaleFactor = isPhone ? 2 : 1,
            JavaScriptEnabled = hasScript,
        });
        context.SetDefaultTimeout(20_000);
        var page = await context.NewPageAsync();
        var rater = new RaterPage(page);
        await page.GotoAsync(link);
        return rater;
    }
}
