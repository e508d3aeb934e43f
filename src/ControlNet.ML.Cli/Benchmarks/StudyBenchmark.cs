using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;
using ControlNet.ML.Cli.Study;
using ControlNet.ML.Cli.Study.Creation;
using ControlNet.ML.Cli.Study.Pages;
using ControlNet.ML.Cli.Study.Store;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Benchmarks;

/// <summary>
/// Fifty raters who answer a study at once, over loopback: each opens a page, loads its five images and answers, and thinks up to a second
/// before each. The browsers run in the same process and on the same cores as the page.
/// </summary>
internal static partial class StudyBenchmark
{
    private const int Raters = 50, Methods = 5, Groups = 6, Side = 512;
    private static readonly TimeSpan LongestThought = TimeSpan.FromSeconds(1);

    /// <summary>Runs it, within ten seconds on an idle machine.</summary>
    /// <returns>Latencies in milliseconds, and the seconds that it took.</returns>
    public static (List<double> Pages, List<double> Images, List<double> Answers, double Seconds) Run(CancellationToken cancellationToken)
    {
        using var scratch = ScratchFolder.Create();
        var folder = scratch.File("study");
        Create(scratch, folder, cancellationToken);
        return RunAsync(folder, cancellationToken).GetAwaiter().GetResult();
    }

    /// <summary>The value that a share of the values is not above.</summary>
    public static double Percentile(List<double> values, double share)
    {
        var sorted = values.Order().ToList();
        return sorted[Math.Min(sorted.Count - 1, (int)(share * sorted.Count))];
    }

    private static void Create(ScratchFolder scratch, string folder, CancellationToken cancellationToken)
    {
        var photo = SyntheticPhoto.Make(Side);
        List<NamedFolder> methods = [];
        for (var method = 0; method < Methods; method++)
        {
            methods.Add(new NamedFolder($"{method}", scratch.File($"method-{method}")));
            Directory.CreateDirectory(methods[^1].Folder);
            for (var group = 0; group < Groups; group++)
            {
                photo.Samples[0] = (byte)((Methods * group) + method);
                ImageCodec.SavePng(Path.Combine(methods[^1].Folder, $"{group}.png"), photo);
            }
        }

        StudyCreation.Run(
            new StudySettings
            {
                Folder = folder,
                Form = StudyForm.Rank,
                Methods = methods,
                Conditions = null,
                Prompts = null,
                Questions = [StudyQuestion.Quality],
                Samples = null,
                Seed = 0,
            },
            TimeProvider.System, (_, _, _) => { }, _ => { }, cancellationToken);
    }

    private static async Task<(List<double> Pages, List<double> Images, List<double> Answers, double Seconds)> RunAsync(
        string folder, CancellationToken cancellationToken)
    {
        using var study = StudyFolder.Open(folder);
        study.Answers.EnsureRaters(Raters, StudySecrets.New);
        var server = await StudyServer.StartAsync(study, IPAddress.Loopback, 0, TimeProvider.System, _ => { }, cancellationToken)
            .ConfigureAwait(false);
        await using (server.ConfigureAwait(false))
        {
            using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = server.Address };
            var raters = study.Answers.Raters();

            // The code is compiled before anyone measures, and the connections are open, as those of a browser are.
            await Task.WhenAll(raters.Select(rater => RateAsync(client, rater, 1, new Random(0), new Latencies(), cancellationToken)))
                .ConfigureAwait(false);
            var latencies = new Latencies();
            var clock = Stopwatch.StartNew();
            await Task.WhenAll(raters.Select(async rater =>
            {
                var random = new Random(rater.Number);
                for (var place = 2; place <= Groups; place++)
                    await RateAsync(client, rater, place, random, latencies, cancellationToken).ConfigureAwait(false);
            })).ConfigureAwait(false);
            return (latencies.Pages, latencies.Images, latencies.Answers, clock.Elapsed.TotalSeconds);
        }
    }

    private static async Task RateAsync(
        HttpClient client, Rater rater, int place, Random random, Latencies latencies, CancellationToken cancellationToken)
    {
        await Task.Delay(random.NextDouble() * LongestThought, cancellationToken).ConfigureAwait(false);
        var address = new Uri($"/r/{rater.Token}/{place}", UriKind.Relative);
        var page = "";
        await Latencies.AddAsync(
            latencies.Pages,
            async () => page = await client.GetStringAsync(address, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        string[] images = [.. Pictures().Matches(page).Select(match => match.Groups[1].Value)];
        await Task.WhenAll(images.Select(image => Latencies.AddAsync(
            latencies.Images,
            () => client.GetByteArrayAsync(new Uri(image, UriKind.Relative), cancellationToken)))).ConfigureAwait(false);
        await Task.Delay(random.NextDouble() * LongestThought, cancellationToken).ConfigureAwait(false);
        var fields = images.Select((image, i) => KeyValuePair.Create(image[(image.LastIndexOf('/') + 1)..], $"{i + 1}"));
        using var form = new FormUrlEncodedContent(fields.Append(KeyValuePair.Create("revision", "0")));
        await Latencies.AddAsync(latencies.Answers, async () =>
        {
            using var answer = await client.PostAsync(address, form, cancellationToken).ConfigureAwait(false);
            if (answer.StatusCode != HttpStatusCode.SeeOther)
                throw new ControlNetException($"The page answered with {(int)answer.StatusCode}, expected {(int)HttpStatusCode.SeeOther}.");
            return answer;
        }).ConfigureAwait(false);
    }

    [GeneratedRegex(@"src=""(/r/[a-z0-9]+/image/[a-z0-9]+)""")]
    private static partial Regex Pictures();

    /// <summary>Latencies in milliseconds, by what was asked for.</summary>
    private sealed class Latencies
    {
        public List<double> Pages { get; } = [];

        public List<double> Images { get; } = [];

        public List<double> Answers { get; } = [];

        public static async Task AddAsync<T>(List<double> to, Func<Task<T>> request)
        {
            var start = Stopwatch.GetTimestamp();
            await request().ConfigureAwait(false);
            var taken = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            lock (to)
                to.Add(taken);
        }
    }
}
