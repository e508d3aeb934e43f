using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using ControlNet.ML.Cli.Study;
using ControlNet.ML.Cli.Study.Pages;
using ControlNet.ML.Cli.Study.Store;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Tests.Study;

/// <summary>A folder with images of methods, and the page of a study of them. Images of method m are m pixels wider than high.</summary>
internal sealed partial class StudyWorkplace : IAsyncDisposable
{
    private readonly HttpClient _client = new(new SocketsHttpHandler { AllowAutoRedirect = false });
    private StudyFolder? _study;
    private StudyServer? _server;

    public const int Height = 12;

    public Tool Tool { get; } = new();

    /// <summary>What the person who runs the study is told.</summary>
    public List<string> Warnings { get; } = [];

    public Clock Time { get; } = new();

    public StudyDefinition Definition => _study!.Definition;

    /// <summary>Writes images 0.png, 1.png … of methods a, b, c …, and of conditions.</summary>
    public void WriteImages(int methods, int groups)
    {
        for (var m = 0; m < methods; m++)
            Write(((char)('a' + m)).ToString(), groups, Height + m, (byte)(50 * m));
        Write("conditions", groups, Height, 255);
    }

    public static string[] Methods(int count) => [.. Enumerable.Range(0, count).SelectMany(m => new[] { "--method", $"method-{(char)('a' + m)}={(char)('a' + m)}" })];

    /// <summary>Makes a study, and opens its page.</summary>
    public async Task<Rater[]> ServeAsync(int methods, int groups, int raters, params string[] more)
    {
        WriteImages(methods, groups);
        var answer = await Tool.RunAsync(["study", "create", "study", .. Methods(methods), .. more]);
        Assert.True(answer.Code == 0, answer.Error);
        return await OpenAsync(raters);
    }

    /// <summary>Opens the page of a study that is there.</summary>
    public async Task<Rater[]> OpenAsync(int raters)
    {
        _study = StudyFolder.Open("study");
        _study.Answers.EnsureRaters(raters, StudySecrets.New);
        _server = await StudyServer.StartAsync(_study, IPAddress.Loopback, 0, Time, Warnings.Add, default);
        return [.. _study.Answers.Raters()];
    }

    public async Task CloseAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        _study?.Dispose();
        (_server, _study) = (null, null);
    }

    public async Task<HttpResponseMessage> GetAsync(string path) => await _client.GetAsync(new Uri(_server!.Address, path));

    public async Task<string> PageAsync(string path)
    {
        using var response = await GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.Content.ReadAsStringAsync();
    }

    public async Task<HttpResponseMessage> PostAsync(string path, params (string Name, string Value)[] fields)
    {
        using var content = new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));
        return await _client.PostAsync(new Uri(_server!.Address, path), content);
    }

    /// <summary>Ranks the images of a question by the number of their method, the best first.</summary>
    public async Task<HttpResponseMessage> RankAsync(Rater rater, int place, int[] order, int revision = 0)
    {
        var images = ImagesOn(await PageAsync(Path(rater, place)));
        return await PostAsync(Path(rater, place), [("revision", $"{revision}"), .. images.Select(image => (image.Key, $"{Array.IndexOf(order, image.Method) + 1}"))]);
    }

    public static string Path(Rater rater, int place) => $"/r/{rater.Token}/{place}";

    /// <summary>The images on a page, in order, with the number of their method, which is the image's width.</summary>
    public static List<(string Key, int Method)> ImagesOn(string page) => [.. Picture().Matches(page).Select(match =>
        (match.Groups[1].Value, int.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture) - Height))];

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        _client.Dispose();
        Tool.Dispose();
    }

    private static void Write(string folder, int groups, int width, byte level)
    {
        Directory.CreateDirectory(folder);
        for (var group = 0; group < groups; group++)
        {
            var image = new ImageBuffer(width, Height, 3);
            image.Samples.AsSpan().Fill(level);
            image.Samples[0] = (byte)group;
            ImageCodec.SavePng(System.IO.Path.Combine(folder, $"{group}.png"), image, new Dictionary<string, string> { ["parameters"] = $"made by method {folder}" });
        }
    }

    [GeneratedRegex(@"image/([a-z0-9]+)"" alt=""[^""]*"" width=""(\d+)""")]
    private static partial Regex Picture();

    /// <summary>A clock that goes on by a minute each time it is read.</summary>
    internal sealed class Clock : TimeProvider
    {
        private DateTimeOffset _now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => _now += TimeSpan.FromMinutes(1);
    }
}
