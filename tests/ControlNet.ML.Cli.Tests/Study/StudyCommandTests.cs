using System.Text.Json;
using ControlNet.ML.Cli.Tables;

namespace ControlNet.ML.Cli.Tests.Study;

/// <summary><c>study create</c>, <c>export</c> and <c>report</c>.</summary>
public sealed class StudyCommandTests
{
    [Fact]
    public async Task A_report_and_an_export_say_what_the_raters_answered_also_those_who_stopped()
    {
        await using var work = new StudyWorkplace();
        await File.WriteAllTextAsync("prompts.csv", "file,prompt\nimages/0.png,a <cat>\n1.png,\"dogs, two\"\nimages/9.png,of another\n", TestContext.Current.CancellationToken);
        var raters = await work.ServeAsync(3, 2, 3, "--condition", "conditions", "--prompts", "prompts.csv", "--questions", "fidelity");
        foreach (var (rater, place, order) in new[] { (0, 1, new[] { 2, 1, 0 }), (0, 2, [2, 1, 0]), (1, 1, [2, 0, 1]) })
            using (await work.RankAsync(raters[rater], place, order)) { }
        Assert.Contains("a &lt;cat&gt;", await work.PageAsync(StudyWorkplace.Path(raters[0], 1)) + await work.PageAsync(StudyWorkplace.Path(raters[0], 2)), StringComparison.Ordinal);
        await work.CloseAsync();

        var text = await work.Tool.RunAsync("study", "report", "study", "--output", "out");
        var json = await work.Tool.RunAsync("study", "report", "study", "--json");
        var csv = await work.Tool.RunAsync("study", "export", "study", "--output", "a.csv");
        var parquet = await work.Tool.RunAsync("study", "export", "study", "--output", "a.parquet");

        Assert.Equal((0, 0, 0, 0), (text.Code, json.Code, csv.Code, parquet.Code));
        Assert.Contains("3 raters: 1 finished, 1 answered a part, which counts too, 1 not begun; 3 of 6 questions answered", text.Output, StringComparison.Ordinal);
        using var document = JsonDocument.Parse(json.Output);
        var question = document.RootElement.GetProperty("figures").GetProperty("questions")[0];
        Assert.Equal("fidelity", question.GetProperty("question").GetString());
        Assert.Equal([4 / 3.0, 5 / 3.0, 9 / 3.0], question.GetProperty("methods").EnumerateArray().Select(method => method.GetProperty("mean").GetDouble()));
        Assert.Equal(["out-fidelity.svg", "out-ranks.svg", "out.md"], Directory.GetFiles(".", "out*").Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Contains("| method-c | 3.00 |", await File.ReadAllTextAsync("out.md", TestContext.Current.CancellationToken), StringComparison.Ordinal);

        var rows = (await File.ReadAllLinesAsync("a.csv", TestContext.Current.CancellationToken)).Skip(1).ToList();
        Assert.Equal(9, rows.Count);
        Assert.Equal(3, rows.Count(row => row.Contains("method-c,fidelity,3,", StringComparison.Ordinal)));
        Assert.All(rows, row => Assert.Contains("2026-01-02T03:", row, StringComparison.Ordinal));
        Assert.DoesNotContain(rows, row => raters.Any(rater => row.Contains(rater.Token, StringComparison.Ordinal)));
        var table = TableReader.Open("a.parquet");
        Assert.Equal(9, table.Read([0, 4]).Sum(row => (int)row.Values[1]! > 0 ? 1 : 0));
    }

    [Fact]
    public async Task More_links_are_added_and_those_that_were_given_out_stay()
    {
        await using var work = new StudyWorkplace();
        var first = await work.ServeAsync(2, 3, 2);
        await work.CloseAsync();
        var second = await work.OpenAsync(4);

        Assert.Equal(first.Select(rater => rater.Token), second.Take(2).Select(rater => rater.Token));
        Assert.Equal(4, second.Select(rater => rater.Token).Distinct().Count());
        Assert.Equal(4, (await work.OpenAsync(1)).Length);
    }

    [Fact]
    public async Task The_same_seed_gives_the_same_orders_and_another_one_others()
    {
        await using var work = new StudyWorkplace();
        work.WriteImages(5, 6);
        foreach (var (name, seed) in new[] { ("one", "1"), ("same", "1"), ("other", "2") })
            Assert.Equal(0, (await work.Tool.RunAsync(["study", "create", name, .. StudyWorkplace.Methods(5), "--seed", seed])).Code);

        var (one, same, other) = (Orders("one"), Orders("same"), Orders("other"));

        Assert.Equal(one, same);
        Assert.NotEqual(one, other);

        static string Orders(string folder)
        {
            using var study = Cli.Study.Store.StudyFolder.Open(folder);
            return string.Join(' ', Enumerable.Range(1, 3).SelectMany(rater => Cli.Study.StudyOrder.Tasks(study.Definition, rater))
                .SelectMany(task => task.Shown.Select(key => study.Definition.Find(key)!.Value).Select(found => $"{found.Group.Id}:{found.Method}")));
        }
    }

    [Theory]
    [InlineData("'b' of 'method-b' has no image '1', '2'", 1, "missing")]
    [InlineData("expected one image of a name", 1, "twice")]
    [InlineData("b/2.png is not an image", 1, "damaged")]
    [InlineData("expected NAME=FOLDER", 2, "", "--method", "a")]
    [InlineData("names 'METHOD-A' twice", 2, "", "--method", "METHOD-A=a")]
    [InlineData("The folder of --method x, 'nowhere', does not exist", 1, "", "--method", "x=nowhere")]
    [InlineData("--form which compares 2 methods, found 3", 2, "", "--method", "c=a", "--form", "which")]
    [InlineData("is about conditions: expected --condition", 2, "", "--questions", "fidelity")]
    [InlineData("--questions has 'beauty'", 2, "", "--questions", "quality,beauty")]
    [InlineData("expected each question once", 2, "", "--questions", "quality,quality")]
    [InlineData("--questions is for --form rank", 2, "", "--questions", "quality", "--form", "which")]
    [InlineData("--samples is 3, expected fewer than the 3 images", 1, "", "--samples", "3", "--form", "which")]
    [InlineData("--samples is 1", 2, "", "--samples", "1")]
    [InlineData("has no image '2'", 1, "condition", "--condition", "conditions")]
    [InlineData("has no prompt of the image '1', '2'", 1, "prompts", "--prompts", "p.csv")]
    [InlineData("has no column 'file' or 'file_name'", 1, "columns", "--prompts", "p.csv")]
    [InlineData("exists already", 1, "exists")]
    public async Task What_cannot_be_a_study_is_named_and_nothing_is_written(string because, int code, string spoil, params string[] more)
    {
        await using var work = new StudyWorkplace();
        work.WriteImages(2, 3);
        switch (spoil)
        {
            case "missing": File.Delete("b/1.png"); File.Delete("b/2.png"); break;
            case "twice": File.Copy("a/1.png", "a/1.jpg"); break;
            case "damaged": File.WriteAllText("b/2.png", "no image"); break;
            case "condition": File.Delete("conditions/2.png"); break;
            case "prompts": File.WriteAllText("p.csv", "file,prompt\n0.png,one\n"); break;
            case "columns": File.WriteAllText("p.csv", "image,prompt\n0.png,one\n"); break;
            case "exists": Directory.CreateDirectory("study"); File.WriteAllText("study/other", ""); break;
        }

        var answer = await work.Tool.RunAsync(["study", "create", "study", .. StudyWorkplace.Methods(2), .. more]);

        Assert.Equal(code, answer.Code);
        Assert.StartsWith("error: ", answer.Error, StringComparison.Ordinal);
        Assert.Single(answer.Error.Split('\n'), line => line.StartsWith("error:", StringComparison.Ordinal));
        Assert.Contains(because, answer.Error, StringComparison.Ordinal);
        Assert.False(File.Exists("study/study.db"));
        Assert.Empty(Directory.GetFileSystemEntries(".", "*.part"));
    }

    [Theory]
    [InlineData("nothing: does not exist, expected a folder that", 1, "", "report", "nothing")]
    [InlineData("conditions: has no file study.db", 1, "", "report", "conditions")]
    [InlineData("is no SQLite file", 1, "text", "report", "study")]
    [InlineData("is not a study", 1, "sqlite", "report", "study")]
    [InlineData("is of version 9", 1, "version", "report", "study")]
    [InlineData("nobody has answered", 1, "", "report", "study")]
    [InlineData("ends in .csv or .parquet", 2, "", "export", "study", "--output", "x.txt")]
    [InlineData("--port is 65536", 2, "", "serve", "study", "--port", "65536")]
    [InlineData("--raters is 0", 2, "", "serve", "study", "--raters", "0")]
    [InlineData("--host is 'example'", 2, "", "serve", "study", "--host", "example")]
    [InlineData("--url is 'x'", 2, "", "serve", "study", "--url", "x")]
    public async Task What_cannot_be_read_or_served_is_named(string because, int code, string spoil, params string[] arguments)
    {
        await using var work = new StudyWorkplace();
        work.WriteImages(2, 1);
        Assert.Equal(0, (await work.Tool.RunAsync(["study", "create", "study", .. StudyWorkplace.Methods(2)])).Code);
        switch (spoil)
        {
            case "text": File.WriteAllText("study/study.db", new string('x', 5000)); break;
            case "sqlite": Change("DROP TABLE study"); break;
            case "version": Change("UPDATE study SET version = 9"); break;
        }

        var answer = await work.Tool.RunAsync(["study", .. arguments]);

        Assert.Equal(code, answer.Code);
        Assert.Contains(because, answer.Error, StringComparison.Ordinal);
        Assert.Single(answer.Error.Split('\n'), line => line.StartsWith("error:", StringComparison.Ordinal));

        static void Change(string sql)
        {
            using var database = Cli.Study.Store.StudyDatabase.Open("study/study.db");
            database.Write(session => session.Run(sql));
        }
    }

    [Fact]
    public async Task A_port_in_use_is_named_and_equal_images_and_sizes_are_warned_of()
    {
        await using var work = new StudyWorkplace();
        work.WriteImages(2, 2);
        File.Copy("a/0.png", "b/0.png", overwrite: true);
        var made = await work.Tool.RunAsync(["study", "create", "study", .. StudyWorkplace.Methods(2)]);
        Assert.Contains("warning: two methods have the same image '0'", made.Error, StringComparison.Ordinal);
        Assert.Contains("warning: the images of '1' have different sizes", made.Error, StringComparison.Ordinal);
        using var other = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        other.Start();
        var port = ((System.Net.IPEndPoint)other.LocalEndpoint).Port;

        var answer = await work.Tool.RunAsync("study", "serve", "study", "--port", $"{port}");

        Assert.Equal(App.Failed, answer.Code);
        Assert.Contains($"127.0.0.1:{port} cannot be used", answer.Error, StringComparison.Ordinal);
    }
}
