using System.Text.Json;
using ControlNet.ML.Cli.Scoring;
using ControlNet.ML.Cli.Tables;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Tests.Scoring;

public sealed class ScoreTests
{
    private const string Mixed = "prompt,photo,seed,id\nred,0.png,7,a\n\"blue, green\",missing.png,8,b\n,1.png,,\"c,d\"\nx,broken.png,,e\ny,2.png,minus,f\nz\n";

    [Fact]
    public async Task A_row_that_fails_is_in_the_results_and_the_others_have_images()
    {
        using var folder = new ScoreFolder(Mixed);

        var answer = await folder.RunAsync();

        Assert.Equal(App.SomeFailed, answer.Code);
        Assert.Contains("4 of 6 rows failed", answer.Error);
        Assert.Equal(["journal.jsonl", "pictures/00000000.png", "pictures/00000002.png", "results.csv", "run.json", "run.lock"], folder.Files(folder.Out));
        var results = ScoreFolder.Results(Path.Combine(folder.Out, "results.csv"));
        Assert.Equal(["row", "ok", "file", "seed", "error", "provenance", "prompt", "photo", "id"], results[0]);
        Assert.Equal(["0", "1", "2", "3", "4", "5"], results[1..].Select(row => row[0]));
        Assert.Equal(["true", "false", "true", "false", "false", "false"], results[1..].Select(row => row[1]));
        Assert.Equal(["7", "8", "2", "3", "", "5"], results[1..].Select(row => row[3]));
        Assert.Equal(["red", "blue, green", "", "x", "y", "z"], results[1..].Select(row => row[6]));
        Assert.Equal(["0.png", "missing.png", "1.png", "broken.png", "2.png", ""], results[1..].Select(row => row[7]));
        Assert.Equal(["a", "b", "c,d", "e", "f", ""], results[1..].Select(row => row[8]));
        Assert.Equal("pictures/00000002.png", results[3][2]);
        Assert.Contains("column 'photo'", results[2][4]);
        Assert.Contains("is not an image", results[4][4]);
        Assert.Contains("column 'seed': it is 'minus'", results[5][4]);
        Assert.Contains("has 1 field, expected 4", results[6][4]);
        Assert.Contains("\"prompt\":\"red\"", results[1][5]);
        Assert.Equal("7", PngText.Read(Path.Combine(folder.Out, "pictures", "00000000.png"))["seed"]);
    }

    [Fact]
    public async Task An_image_is_the_one_that_generate_makes_of_the_same()
    {
        using var tool = new Tool();
        File.WriteAllText("t.tsv", $"prompt\tphoto\tseed\tscale\nfox\t{Tool.Photo}\t3\t0.8\n");

        var score = await tool.RunAsync("score", "t.tsv", "--output", "o", "--steps", "2", "--size", "64");
        await tool.RunAsync("generate", "fox", "--photo", Tool.Photo, "--control", "emoji/canny:0.8", "--seed", "3", "--steps", "2", "--size", "64", "--output", "g.png");

        Assert.Equal((0, "", $"{Path.Combine("o", "results.parquet")}\n"), (score.Code, score.Error, score.Output.ReplaceLineEndings("\n")));
        Assert.Equal(File.ReadAllBytes("g.png"), File.ReadAllBytes("o/pictures/00000000.png"));
    }

    [Fact]
    public async Task Rows_may_begin_from_images()
    {
        using var tool = new Tool();
        File.WriteAllText("t.csv", $"prompt,image,mask,strength\nfox,{Tool.Photo},,0.5\nfox,{Tool.Photo},{Tool.Photo},\nfox,,,\nfox,,,0.5\nfox,{Tool.Photo},,2\nfox,none.png,,\n");

        var dry = await tool.RunAsync("score", "t.csv", "--output", "o", "--steps", "4", "--size", "64", "--dry-run");
        var score = await tool.RunAsync("score", "t.csv", "--output", "o", "--steps", "4", "--size", "64", "--batch-size", "4", "--format", "csv");
        await tool.RunAsync("generate", "fox", "--image", Tool.Photo, "--strength", "0.5", "--steps", "4", "--size", "64", "--output", "g.png");

        Assert.Equal(App.SomeFailed, score.Code);
        var results = ScoreFolder.Results(Path.Combine("o", "results.csv"));
        Assert.Equal(["true", "true", "true", "false", "false", "false"], results[1..].Select(row => row[1]));
        Assert.Equal(File.ReadAllBytes("g.png"), File.ReadAllBytes("o/pictures/00000000.png"));
        var problems = string.Concat(results[4..].Select(row => row[4]));
        foreach (var message in (string[])["needs a value in 'image'", "it is '2', expected 0 to 1", "column 'image'"])
        {
            Assert.Contains(message, problems, StringComparison.Ordinal);
            Assert.Contains(message, dry.Output + dry.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Rows_that_are_made_together_become_what_each_becomes_alone()
    {
        using var tool = new Tool();
        File.WriteAllText("t.csv", $"prompt,photo,scale,guidance\nfox,{Tool.Photo},1,7.5\nred apple,{Tool.Photo},0.5,1\nrocket,{Tool.Photo},1,3\n");
        string[] common = ["score", "t.csv", "--steps", "2", "--size", "64", "--json"];

        using var alone = JsonDocument.Parse((await tool.RunAsync([.. common, "--output", "alone"])).Output);
        using var together = JsonDocument.Parse((await tool.RunAsync([.. common, "--output", "together", "--batch-size", "3"])).Output);

        Assert.Equal((3, 3), (alone.RootElement.GetProperty("pictures").GetInt32(), together.RootElement.GetProperty("pictures").GetInt32()));
        foreach (var row in Enumerable.Range(0, 3))
        {
            var (one, other) = (ImageCodec.Load(Path.Combine("alone", ScoringFolder.ImageName(row))), ImageCodec.Load(Path.Combine("together", ScoringFolder.ImageName(row))));
            Assert.All(one.Samples.Zip(other.Samples), pair => Assert.InRange(pair.First - pair.Second, -1, 1));
        }
    }

    [Fact]
    public async Task A_table_of_json_lines_is_scored_and_its_columns_come_back_with_their_types()
    {
        using var folder = new ScoreFolder(
            """
            {"prompt": "red \u00e4", "photo": "0.png", "seed": 18446744073709551615, "id": 3, "note": null}
            {"photo": "1.png", "id": 4, "steps": 2, "tags": ["x"]}

            not json
            {"prompt": "x", "photo": 5, "id": 6, "note": "n"}
            """,
            "table.jsonl");

        var answer = await folder.RunAsync(settings => settings with { Format = "parquet", Prompt = "for all" });

        Assert.Equal(App.SomeFailed, answer.Code);
        Assert.Contains("the column 'tags' holds lists or structures: it is not carried through", answer.Error, StringComparison.Ordinal);
        var results = ScoreFolder.Results(Path.Combine(folder.Out, "results.parquet"));
        Assert.Equal(["row", "ok", "file", "seed", "error", "provenance", "prompt", "photo", "id", "note", "steps"], results[0]);
        Assert.Equal(["true", "true", "false", "false"], results[1..].Select(row => row[1]));
        Assert.Equal(["18446744073709551615", "1", "2", "3"], results[1..].Select(row => row[3]));
        Assert.Equal(["red ä", "for all", "for all", "x"], results[1..].Select(row => row[6]));
        Assert.Equal(["0.png", "1.png", "", "5"], results[1..].Select(row => row[7]));
        Assert.Contains("line 4: is not valid JSON", results[3][4], StringComparison.Ordinal);
        Assert.Contains("column 'photo'", results[4][4], StringComparison.Ordinal);
        var id = TableReader.Open(Path.Combine(folder.Out, "results.parquet")).Columns.Single(column => column.Name == "id");
        Assert.Equal(typeof(long), id.Type);
    }

    [Fact]
    public async Task The_schedulers_configuration_is_recorded_once_and_every_image_has_it()
    {
        using var folder = new ScoreFolder("prompt\na\nb\n");
        Assert.Equal(App.Success, (await folder.RunAsync()).Code);

        var record = Path.Combine(folder.Out, "run.json");
        var scheduler = JsonDocument.Parse(File.ReadAllBytes(record)).RootElement.GetProperty("scheduler_config");
        var png = PngText.Read(Path.Combine(folder.Out, "pictures", "00000001.png"))["scheduler_config"];
        Assert.True(JsonElement.DeepEquals(JsonDocument.Parse(png).RootElement, scheduler));
        var provenance = ScoreFolder.Results(Path.Combine(folder.Out, "results.csv"))[2][5];
        Assert.Equal("run.json", JsonDocument.Parse(provenance).RootElement.GetProperty("scheduler_config").GetString());
        Assert.All([provenance, File.ReadAllText(Path.Combine(folder.Out, "journal.jsonl"))], text => Assert.DoesNotContain("beta_schedule", text, StringComparison.Ordinal));

        // Another configuration under the model's name gives other images.
        File.WriteAllText(record, File.ReadAllText(record).Replace("\"beta_start\": ", "\"beta_start\": 1", StringComparison.Ordinal));
        Assert.Contains("which differs in the scheduler's configuration in the model's folder", (await folder.RunAsync()).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_of_a_version_that_did_not_record_the_scheduler_is_resumed_with_rows_that_have_it()
    {
        using var folder = new ScoreFolder("prompt\na\nb\n");
        await folder.RunAsync();
        var record = Path.Combine(folder.Out, "run.json");
        var node = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(record))!.AsObject();
        Assert.True(node.Remove("scheduler_config"));
        File.WriteAllText(record, node.ToJsonString());
        File.Delete(Path.Combine(folder.Out, "pictures", "00000001.png"));

        Assert.Equal(App.Success, (await folder.RunAsync()).Code);

        var results = ScoreFolder.Results(Path.Combine(folder.Out, "results.csv"));
        Assert.DoesNotContain("beta_schedule", results[1][5], StringComparison.Ordinal);
        Assert.Contains("beta_schedule", results[2][5], StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_help_lists_every_column_of_tables_and_results()
    {
        using var tool = new Tool();
        var help = (await tool.RunAsync("score", "--help")).Output;
        foreach (var name in ScoreColumns.OfImage.Concat(ScoreColumns.OfControl).Select(column => column.Name))
            Assert.Contains($" {name}: ", help, StringComparison.Ordinal);
        foreach (var field in ResultColumns.Fields)
            Assert.Contains($"{field.Name}", help, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("csv")]
    [InlineData("parquet")]
    public async Task Both_formats_hold_the_same(string format)
    {
        using var folder = new ScoreFolder(Mixed);
        await folder.RunAsync();
        await folder.RunAsync(settings => settings with { Format = format, Out = folder.File_("other") });
        Assert.Equal(ScoreFolder.Results(Path.Combine(folder.Out, "results.csv")), ScoreFolder.Results(folder.File_("other", $"results.{format}")));
    }

    [Fact]
    public async Task Rows_of_one_size_are_made_together_and_each_says_how_it_is_made()
    {
        using var folder = new ScoreFolder("photo,width,steps,guidance,mode,start,end,negative_prompt\n0.png,16,,,,,,\n1.png,8,,,,,,\n2.png,16,,,,,,\n0.png,16,2,3.5,guess,0.5,1,grey\n1.png,8,,,,,,\n2.png,16,,,,,,\n");

        Assert.Equal(App.Success, (await folder.RunAsync(settings => settings with { Batch = 4, Prompt = "for all" })).Code);

        Assert.Equal([2, 3], folder.Backend.Batches);
        Assert.Equal(7, folder.Backend.Rows);
        var text = PngText.Read(Path.Combine(folder.Out, "pictures", "00000003.png"));
        Assert.Equal(
            ("for all", "grey", "2", "3.5", "16", "8", "0.5 1", "guess"),
            (text["prompt"], text["negative_prompt"], text["steps"], text["guidance"], text["width"], text["height"], text["control_1_window"], text["control_1_weighting"]));
        Assert.Equal(8, ImageHeader.Read(Path.Combine(folder.Out, "pictures", "00000001.png")).Width);
    }

    [Theory]
    [InlineData(32, 8, "The condition of 'emoji/canny' is 8x8, much smaller than the image of 32x8: it was enlarged 4 times")]
    [InlineData(16, 8, null)]
    [InlineData(8, 8, null)]
    public async Task A_condition_much_smaller_than_the_image_is_enlarged_with_a_notice(int width, int height, string? message)
    {
        using var folder = new ScoreFolder("condition\n0.png\n");
        var answer = await folder.RunAsync(settings => settings with { Size = new SizeRequest(width, height), Controls = ["emoji/canny"] });
        Assert.Equal(App.Success, answer.Code);
        if (message is null)
            Assert.Empty(answer.Error);
        else
            Assert.Contains($"warning: row 0: {message}", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_log_of_a_long_run_shows_rows_rate_and_time_left()
    {
        using var folder = new ScoreFolder("photo\n0.png\nmissing.png\n1.png\n2.png\n");
        using var error = new StringWriter();
        var run = new ScoreRun(new Terminal(TextWriter.Null, error, null) { Clock = new Clock { Step = 40 } }, folder.Settings, json: false);
        Assert.Equal(App.SomeFailed, await run.RunAsync(TestContext.Current.CancellationToken));
        Assert.Matches(@"scoring: 2 of 4 rows, [\d.]+ rows/s, 1 failed, 50 %, \d+ min( \d+ s)? left\n", error.ToString().ReplaceLineEndings("\n"));
    }

    [Fact]
    public async Task Several_networks_have_columns_with_numbers_and_scale_zero_needs_no_image()
    {
        using var folder = new ScoreFolder("photo1,condition2,scale,scale2\n0.png,1.png,0.5,0.25\n2.png,,1,0\n,1.png,1,1\n");

        Assert.Equal(App.SomeFailed, (await folder.RunAsync()).Code);

        var text = PngText.Read(Path.Combine(folder.Out, "pictures", "00000000.png"));
        Assert.Equal(("0.5", "0.25", "0.png", "1.png"), (text["control_1_scale"], text["control_2_scale"], text["control_1_photo"], text["control_2_condition"]));
        Assert.DoesNotContain("control_2", PngText.Read(Path.Combine(folder.Out, "pictures", "00000001.png")).Keys);
        Assert.Contains("the value for control network 1 is missing", ScoreFolder.Results(Path.Combine(folder.Out, "results.csv"))[3][4]);
    }

    [Fact]
    public async Task A_prompt_that_spoils_its_batch_fails_alone()
    {
        using var folder = new ScoreFolder($"prompt\na\n{string.Join(' ', Enumerable.Range('a', 20).Select(c => (char)c))}\nb\nc\n");

        Assert.Equal(App.SomeFailed, (await folder.RunAsync(settings => settings with { Batch = 3 })).Code);

        Assert.Equal(["true", "false", "true", "true"], ScoreFolder.Results(Path.Combine(folder.Out, "results.csv"))[1..].Select(row => row[1]));
    }

    [Fact]
    public async Task Strict_stops_at_the_first_row_that_fails_and_goes_on_when_it_is_put_right()
    {
        using var folder = new ScoreFolder("photo\n0.png\nbroken.png\n1.png\n");

        var stopped = await folder.RunAsync(settings => settings with { Strict = true });
        Assert.Equal(App.Failed, stopped.Code);
        Assert.Contains("row 1, column 'photo'", stopped.Error);
        Assert.False(File.Exists(Path.Combine(folder.Out, "results.csv")));

        File.Copy(folder.File_("2.png"), folder.File_("broken.png"), overwrite: true);
        Assert.Equal(App.Success, (await folder.RunAsync(settings => settings with { Strict = true })).Code);
        Assert.Equal(3, folder.Backend.Rows);
    }

    [Fact]
    public async Task Failed_rows_are_tried_again_only_when_that_is_asked_for()
    {
        using var folder = new ScoreFolder("photo\n0.png\nbroken.png\n1.png\n");
        await folder.RunAsync();
        File.Copy(folder.File_("2.png"), folder.File_("broken.png"), overwrite: true);

        Assert.Equal(App.SomeFailed, (await folder.RunAsync()).Code);
        Assert.Equal(App.Success, (await folder.RunAsync(settings => settings with { RetryFailed = true })).Code);

        Assert.Equal(3, folder.Backend.Rows);
        Assert.Equal(["true", "true", "true"], ScoreFolder.Results(Path.Combine(folder.Out, "results.csv"))[1..].Select(row => row[1]));
    }

    [Theory]
    [InlineData("photo")]
    [InlineData("image")]
    public async Task A_cell_with_a_null_character_fails_its_row_alone(string column)
    {
        using var folder = new ScoreFolder($"prompt,{column}\na,0\0.png\nb,0.png\n");
        var answer = await folder.RunAsync(dry: true);
        Assert.Equal(App.SomeFailed, answer.Code);
        Assert.Contains($"row 0, column '{column}': the value contains a null character", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_dry_run_names_every_row_and_writes_nothing()
    {
        using var folder = new ScoreFolder("promt,photo,width,steps\na,0.png,20,1\nb,1.png,16,0\nc,broken.png,,\nd,nowhere.png,,\ne,2.png,,\n");
        var before = folder.Files(folder.File_());

        var answer = await folder.RunAsync(dry: true);

        Assert.Equal(App.SomeFailed, answer.Code);
        Assert.Contains("Did you mean 'prompt'?", answer.Error);
        Assert.Contains("row 0, column 'width': Width is 20, expected a multiple of 8: 16 or 24", answer.Error);
        Assert.Contains("row 1, column 'steps': it is '0', expected a whole number from 1 to 1,000", answer.Error);
        Assert.Contains("row 2, column 'photo'", answer.Error);
        Assert.Contains("row 3, column 'photo'", answer.Error);
        Assert.DoesNotContain("row 4", answer.Error);
        Assert.Equal(before, folder.Files(folder.File_()));
        Assert.Equal(0, folder.Backend.Rows);
    }

    [Fact]
    public async Task Weights_that_were_exchanged_under_the_same_name_are_another_run()
    {
        using var folder = new ScoreFolder("prompt\na\n");
        using var models = new TemporaryFolder();
        var model = models.Copy(ControlNet.ML.Emoji.EmojiModel.Folder, "mine");
        Assert.Equal(App.Success, (await folder.RunAsync(settings => settings with { Model = model })).Code);
        var file = Path.Combine(model, "vae", "diffusion_pytorch_model.safetensors");
        var bytes = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(file, bytes, TestContext.Current.CancellationToken);
        var answer = await folder.RunAsync(settings => settings with { Model = model });
        Assert.Equal(App.Failed, answer.Code);
        Assert.Contains("model's weights (", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_run_is_refused_and_what_differs_is_named()
    {
        using var folder = new ScoreFolder("prompt\na\n");
        await folder.RunAsync();

        var steps = await folder.RunAsync(settings => settings with { Options = settings.Options with { Steps = 9 } });
        File.AppendAllText(folder.Table, "b\n");
        var table = await folder.RunAsync();
        var dry = await folder.RunAsync(dry: true);

        Assert.All([steps, table, dry], answer => Assert.Equal(App.Failed, answer.Code));
        Assert.Contains("steps ('1' there, '9' here)", steps.Error);
        Assert.Contains("the table (table.csv there with 1 rows, table.csv here with 2", table.Error);
        Assert.Equal(1, folder.Backend.Rows);
    }

    [Fact]
    public async Task Two_processes_do_not_work_in_one_folder()
    {
        using var folder = new ScoreFolder("prompt\na\nb\n");
        Answer? second = null;
        folder.Backend.Decoding = _ => second ??= folder.RunAsync().GetAwaiter().GetResult();

        Assert.Equal(App.Success, (await folder.RunAsync()).Code);

        Assert.Equal(App.Failed, second!.Code);
        Assert.Contains("Another process is scoring", second.Error);
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_is_not_called_busy()
    {
        // A name that no file system takes stands for one that is for reading only, which a test cannot mount.
        using var folder = new ScoreFolder("prompt\nfox\n");
        var answer = await folder.RunAsync(settings => settings with { Out = folder.File_(new string('x', 300)) });
        Assert.Equal(App.Failed, answer.Code);
        Assert.Contains("cannot be written", answer.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("nother process", answer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cancelled_run_goes_on_where_it_stopped()
    {
        using var folder = new ScoreFolder("prompt\na\nb\nc\nd\n");
        using var source = new CancellationTokenSource();
        folder.Backend.Decoding = image =>
        {
            if (image == 1)
                source.Cancel();
        };

        var stopped = await folder.RunAsync(cancellationToken: source.Token);
        folder.Backend.Decoding = _ => { };
        var done = await folder.RunAsync();

        Assert.Equal((App.Cancelled, App.Success), (stopped.Code, done.Code));
        Assert.Contains("2 of 4 rows are finished", stopped.Error);
        Assert.Equal(4, folder.Backend.Rows);
    }

    [Theory]
    [InlineData("file\nx\n", "has the name of a column of the results")]
    [InlineData("photo,scale2\nx,1\n", "control network 2, expected 1")]
    [InlineData("prompt,prompt\na,b\n", "occurs 2 times")]
    [InlineData("", "is empty")]
    public async Task A_table_that_cannot_be_meant_is_refused_before_anything_is_written(string table, string message)
    {
        using var folder = new ScoreFolder(table);
        var answer = await folder.RunAsync();
        Assert.Equal(App.Failed, answer.Code);
        Assert.Contains(message, answer.Error);
        Assert.False(Directory.Exists(folder.Out));
    }

    [Fact]
    public async Task A_folder_that_cannot_be_written_gets_one_message()
    {
        using var folder = new ScoreFolder("prompt\na\n");
        var answer = await folder.RunAsync(settings => settings with { Out = Path.Combine(folder.Table, "inside") });
        Assert.Equal(App.Failed, answer.Code);
        Assert.Contains("'" + folder.Table + "' is a file, expected a folder", answer.Error);
    }

    [Fact]
    public async Task Links_that_somebody_put_in_the_way_lead_to_no_file_of_the_users()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need a privilege there.");
        using var folder = new ScoreFolder("prompt\na\n");
        var victim = Path.Combine(Path.GetDirectoryName(folder.Out)!, "victim");
        await File.WriteAllTextAsync(victim, "mine\n", TestContext.Current.CancellationToken);
        Directory.CreateDirectory(Path.Combine(folder.Out, "pictures"));
        foreach (var name in new[] { "results.csv.part", "run.json.part", "pictures/00000000.png.part" })
            File.CreateSymbolicLink(Path.Combine(folder.Out, name), victim);
        Assert.Equal(App.Success, (await folder.RunAsync()).Code);
        Assert.Equal("mine\n", await File.ReadAllTextAsync(victim, TestContext.Current.CancellationToken));
        Assert.Empty(Directory.EnumerateFiles(folder.Out, "*.part", SearchOption.AllDirectories));

        // What a run adds to is refused as a link.
        foreach (var name in new[] { "journal.jsonl", "run.lock" })
        {
            File.Delete(Path.Combine(folder.Out, name));
            File.CreateSymbolicLink(Path.Combine(folder.Out, name), victim);
            var refused = await folder.RunAsync();
            Assert.Equal(App.Failed, refused.Code);
            Assert.Contains($"{name}: is a link", refused.Error, StringComparison.Ordinal);
            Assert.Equal("mine\n", await File.ReadAllTextAsync(victim, TestContext.Current.CancellationToken));
            File.Delete(Path.Combine(folder.Out, name));
        }
    }

    [Fact]
    public async Task An_image_that_cannot_be_written_stops_the_run_which_can_go_on()
    {
        using var folder = new ScoreFolder("prompt\na\nb\nc\n");
        Directory.CreateDirectory(Path.Combine(folder.Out, "pictures", "00000001.png", "x"));

        var stopped = await folder.RunAsync();
        Directory.Delete(Path.Combine(folder.Out, "pictures", "00000001.png"), recursive: true);

        Assert.Equal(App.Failed, stopped.Code);
        Assert.Contains("cannot be written", stopped.Error);
        Assert.Contains("the same command resumes the run", stopped.Error);
        Assert.Equal(App.Success, (await folder.RunAsync()).Code);

        // The third row was computed while the second was written.
        Assert.Equal(5, folder.Backend.Rows);
    }
}
