using System.Text;
using ControlNet.ML.Cli.Scoring;
using ControlNet.ML.Cli.Tables;
using ControlNet.ML.Cli.Tests.Scoring;
using FsCheck;
using FsCheck.Xunit;
using Parquet.Schema;

namespace ControlNet.ML.Cli.Tests.Tables;

/// <summary>Quotes and encodings of tables of text.</summary>
public sealed class TextTableTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("t.csv", "prompt,seed\na 5\" screen,1\na 7\" screen,2\nfox,3\n", "a 5\" screen|1", "a 7\" screen|2", "fox|3")]
    [InlineData("t.csv", "prompt;seed\n5\";\"1\"\n\"a; \"\"b\"\"\";2", "5\"|1", "a; \"b\"|2")]
    [InlineData("t.csv", "prompt,seed\na, \"b\"\n\"\",\"\"\n", "a| \"b\"", "|")]
    [InlineData("t.csv", "it's \"so\",seed\r\nx,1\r\n\r\ny,2\r\n", "x|1", "y|2")]
    [InlineData("t.tsv", "prompt\tseed\nthe \"fox\" \t1\n\"a\tb\"\t2\n\"\"\t3\n", "the \"fox\" |1", "a\tb|2", "|3")]
    public void A_quote_opens_a_field_only_where_the_field_begins(string name, string text, params string[] rows)
    {
        var table = Open(name, text);
        Assert.Equal(rows, table.Read([0, 1]).Select(row => string.Join('|', row.Values)));
        Assert.All(table.Read([0, 1]), row => Assert.Null(row.Problem));
        Assert.Equal(rows.Length, table.CountRows(default));
    }

    [Fact]
    public void Separators_behind_the_last_field_are_left_out_with_a_notice()
    {
        var table = Open("t.csv", "prompt,seed,,\nfox,1,,\n,2,,\n");
        Assert.Equal(["prompt", "seed"], table.Columns.Select(column => column.Name));
        Assert.Equal("occurs 2 times without a name", Assert.Single(table.Unreadable).Why);
        Assert.Equal(["fox|1", "|2"], table.Read([0, 1]).Select(row => string.Join('|', row.Values)));
        Assert.All(table.Read([0]), row => Assert.Null(row.Problem));
        Assert.Equal("it has 1 field, expected 4 as in the first line", Open("u.csv", "prompt,seed,,\nfox\n").Read([0]).Single().Problem);

        // The index that pandas writes has no name either.
        Assert.Equal("0|fox", string.Join('|', Open("v.csv", ",prompt\n0,fox\n").Read([0, 1]).Single().Values));
    }

    [Theory]
    [InlineData("prompt;guidance\na;7,5\n", "row 0, column 'guidance': it is '7,5', expected a number with a point before the decimals")]
    [InlineData("prompt,seed\na,\"1,234\"\n", "row 0, column 'seed': it is '1,234', expected a whole number from -9223372036854775808 to 18446744073709551615 with a point before the decimals, the sign '-', and nothing between the thousands.")]
    [InlineData("prompt,width\na,1\u00a0024\n", "and nothing between the thousands.")]
    [InlineData("prompt,guidance\na,x\n", "it is 'x', expected a number.")]
    [InlineData("sep=;\nprompt;seed\na;1\n", "no column has settings of the images, which differ only in their seeds: found")]
    [InlineData("prompt|seed\na|1\n", "found 'prompt|seed'.")]
    public async Task Numbers_and_separators_of_another_country_are_said(string text, string message)
    {
        using var folder = new ScoreFolder(text);
        Assert.Contains(message, (await folder.RunAsync(dry: true)).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Spaces_around_a_number_are_none_of_it()
    {
        using var folder = new ScoreFolder("prompt,guidance,seed\na,\u00a01.5 , 12\u202f\n");
        Assert.Equal(App.Success, (await folder.RunAsync(dry: true)).Code);
    }

    [Fact]
    public void A_quote_that_is_never_closed_is_an_error_of_its_row()
    {
        var error = Assert.Throws<ControlNetException>(() => Open("t.csv", "prompt,seed\nfox,1\n\"5 screen,2\ndog,3\n").CountRows(default));
        Assert.EndsWith("t.csv: row 1 cannot be read: the quote that opens field 1 is never closed.", error.Message, StringComparison.Ordinal);
        error = Assert.Throws<ControlNetException>(() => Open("t.csv", "prompt,\"seed\n1,2\n"));
        Assert.Contains("the first line cannot be read: the quote that opens field 2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_behind_a_closing_quote_is_said_of_its_row_and_no_other()
    {
        var rows = Open("t.csv", "prompt,seed\n\"big\" dog,1\nfox,2\n").Read([0, 1]).ToList();
        Assert.Contains("follows the closing quote of field 1", rows[0].Problem, StringComparison.Ordinal);
        Assert.Equal((null, "fox|2"), (rows[1].Problem, string.Join('|', rows[1].Values)));
    }

    [Fact]
    public void A_row_that_quotes_make_endless_is_given_up()
    {
        var error = Assert.Throws<ControlNetException>(() => Open("t.csv", $"prompt\n\"{new string('x', 1 << 24)}\"\n").CountRows(default));
        Assert.Contains("row 0 cannot be read: it has more than 16,777,216 characters", error.Message, StringComparison.Ordinal);
    }

    [Property(MaxTest = 200)]
    public void What_is_written_is_read_again(NonNull<string>[] texts)
    {
        string[] expected = [.. texts.Select(text => string.Concat(text.Get.Where(c => !char.IsSurrogate(c))))];
        var path = _folder.File("written.csv");
        using (var stream = File.Create(path))
        using (var writer = ResultWriter.Create("csv", stream, [new DataField("a", typeof(string)), new DataField("b", typeof(string))], 1))
        {
            foreach (var text in expected)
                writer.Write([text, "x"]);
            writer.Finish();
        }

        Assert.Equal(expected, TableReader.Open(path).Read([0]).Select(row => (string?)row.Values[0] ?? ""));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5000)]
    public void Another_encoding_is_an_error_with_file_row_and_way_out(int before)
    {
        byte[] bytes = [.. "prompt,seed\n"u8, .. Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("Füchse,1\n", before))), .. Encoding.Latin1.GetBytes("Bär auf Grün,1\n")];
        var path = _folder.Write("w.csv", bytes);

        var error = Assert.Throws<ControlNetException>(() => TableReader.Open(path).CountRows(default));

        Assert.StartsWith($"{path}: row {before} is not text in utf-8", error.Message, StringComparison.Ordinal);
        Assert.Contains("--encoding windows-1252", error.Message, StringComparison.Ordinal);
        if (before == 0)
            Assert.Equal("Bär auf Grün", TableReader.Open(path, Encoding.Latin1).Read([0]).Single().Values[0]);
    }

    [Fact]
    public void A_byte_order_mark_says_the_encoding()
    {
        foreach (var encoding in new[] { Encoding.UTF8, Encoding.Unicode, Encoding.BigEndianUnicode, Encoding.UTF32 })
        {
            var path = _folder.Write("b.tsv", [.. encoding.GetPreamble(), .. encoding.GetBytes("prompt\tseed\nBär 😀\t1\n")]);
            Assert.Equal("Bär 😀", TableReader.Open(path).Read([0]).Single().Values[0]);
        }

        var bare = _folder.Write("u.tsv", Encoding.Unicode.GetBytes("prompt\tseed\nfox\t1\n"));
        Assert.Contains("--encoding utf-16", Assert.Throws<ControlNetException>(() => TableReader.Open(bare)).Message, StringComparison.Ordinal);
        Assert.Equal("fox", TableReader.Open(bare, Encoding.Unicode).Read([0]).Single().Values[0]);
    }

    [Fact]
    public void Where_a_byte_order_mark_says_another_encoding_none_is_asked_for()
    {
        var path = _folder.Write("m.csv", [.. Encoding.UTF8.GetPreamble(), .. "prompt\nB"u8, 0xE4, .. "r\n"u8]);
        var error = Assert.Throws<ControlNetException>(() => TableReader.Open(path).CountRows(default));
        Assert.EndsWith("row 0 is not text in utf-8, the encoding of its byte order mark (there is the byte E4): save it as UTF-8.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_character_that_the_end_cuts_is_an_error_too() =>
        Assert.Contains("row 0 is not text in utf-8", Assert.Throws<ControlNetException>(() => TableReader.Open(_folder.Write("c.csv", [.. "prompt\nfox "u8, 0xE2, 0x82])).CountRows(default)).Message, StringComparison.Ordinal);

    [Fact]
    public async Task Score_reads_the_encoding_that_is_said_and_takes_it_for_part_of_the_run()
    {
        using var folder = new ScoreFolder("");
        File.WriteAllBytes(folder.Table, Encoding.Latin1.GetBytes("prompt,Straße\nBär,Süd\n"));
        var refused = await folder.RunAsync();
        Assert.Equal(App.Failed, refused.Code);
        Assert.Contains("--encoding", refused.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder.Out));

        Assert.Equal(App.Success, (await folder.RunAsync(settings => settings with { Encoding = "cp1252" })).Code);
        var results = ScoreFolder.Results(Path.Combine(folder.Out, "results.csv"));
        Assert.Equal(("Straße", "Süd"), (results[0][^1], results[1][^1]));
        Assert.Equal(App.Success, (await folder.RunAsync(settings => settings with { Encoding = "windows-1252" })).Code);
        Assert.Contains("encoding", (await folder.RunAsync(settings => settings with { Encoding = "cp1251" })).Error, StringComparison.Ordinal);
        Assert.Contains("Unknown encoding 'klingon'", (await folder.RunAsync(settings => settings with { Encoding = "klingon" })).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Training_rows_of_another_encoding_name_their_line()
    {
        using var tool = new Tool();
        Directory.CreateDirectory("data");
        File.WriteAllBytes(Path.Combine("data", "metadata.jsonl"), Encoding.Latin1.GetBytes("{\"file_name\": \"a.png\", \"text\": \"a\"}\n{\"file_name\": \"ä.png\", \"text\": \"Bär\"}\n"));

        var answer = await tool.RunAsync("train", "data", "--output", "run");
        Assert.Equal(App.Failed, answer.Code);
        Assert.Contains("metadata.jsonl line 2: is not text in utf-8", answer.Error, StringComparison.Ordinal);
        Assert.Contains("--encoding windows-1252", answer.Error, StringComparison.Ordinal);
        Assert.Contains("metadata.jsonl line 2: 'ä.png'", (await tool.RunAsync("train", "data", "--output", "run", "--encoding", "windows-1252")).Error, StringComparison.Ordinal);
    }

    private TableReader Open(string name, string text) => TableReader.Open(_folder.Write(name, Encoding.UTF8.GetBytes(text)));
}
