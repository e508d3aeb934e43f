using System.Text;
using ControlNet.ML.Cli.Scoring;
using ControlNet.ML.Cli.Tables;

namespace ControlNet.ML.Cli.Tests.Tables;

/// <summary>Tables with a JSON object per line.</summary>
public sealed class JsonLinesTableTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("1|-5|null", typeof(long), "1|-5|")]
    [InlineData("1|18446744073709551615", typeof(ulong), "1|18446744073709551615")]
    [InlineData("-1|18446744073709551615", typeof(string), "-1|18446744073709551615")]
    [InlineData("1|0.25", typeof(double), "1|0.25")]
    [InlineData("9007199254740993|0.25", typeof(string), "9007199254740993|0.25")]
    [InlineData("1e999", typeof(string), "1e999")]
    [InlineData("true|false|null", typeof(bool), "true|false|")]
    [InlineData("true|1", typeof(string), "true|1")]
    [InlineData("\"1\"|2", typeof(string), "1|2")]
    [InlineData("\"\\u00e4\\n\"", typeof(string), "ä\n")]
    [InlineData("null", typeof(string), "")]
    public void A_column_has_the_type_that_all_its_values_fit_exactly(string values, Type type, string expected)
    {
        var table = Open(string.Concat(values.Split('|').Select(value => $"{{\"a\": {value}}}\n")));
        Assert.Equal(new TableColumn("a", type), Assert.Single(table.Columns));
        Assert.Equal(expected, string.Join('|', table.Read([0]).Select(row => ResultColumns.Text(row.Values[0]))));
        Assert.Equal((type, true), (table.Field(0).ClrType == typeof(ReadOnlyMemory<char>) ? typeof(string) : table.Field(0).ClrType, table.Field(0).IsNullable));
    }

    [Fact]
    public void Rows_may_have_other_columns_and_blank_lines_do_not_count()
    {
        var table = Open("\uFEFF{\"b\": 1}\r\n\r\n{\"a\": \"x\", \"b\": 2}\n  \n{}");
        Assert.Equal(["b", "a"], table.Columns.Select(column => column.Name));
        Assert.Equal(3, table.CountRows(default));
        Assert.Equal([(0L, "|1"), (1L, "x|2"), (2L, "|")], table.Read([1, 0]).Select(row => (row.Number, string.Join('|', row.Values.Select(ResultColumns.Text)))));
    }

    [Fact]
    public void A_line_that_is_no_object_fails_only_its_row()
    {
        var table = Open("{\"a\": 1}\n[1]\n{\"a\": 1, \"a\": 2}\n{\"a\": \n{\"a\": 3}\n");
        var problems = table.Read([0]).Select(row => row.Problem).ToList();
        Assert.Equal([null, null], [problems[0], problems[4]]);
        Assert.Equal("line 2: holds a list of 1, expected a JSON object", problems[1]);
        Assert.StartsWith("line 3: is not valid JSON", problems[2], StringComparison.Ordinal);
        Assert.StartsWith("line 4: is not valid JSON", problems[3], StringComparison.Ordinal);
        Assert.Equal(["1", "", "", "", "3"], table.Read([0]).Select(row => ResultColumns.Text(row.Values[0])));
    }

    [Fact]
    public void Lists_and_structures_cannot_be_read_as_a_column()
    {
        var table = Open("{\"a\": 1, \"b\": [1], \"c\": {}}\n{\"a\": 1, \"b\": 2}\n");
        Assert.Equal(["a"], table.Columns.Select(column => column.Name));
        Assert.Equal(["b", "c"], table.Unreadable.Select(column => column.Name));
    }

    [Theory]
    [InlineData("", "has no rows; expected a JSON object per line")]
    [InlineData("a,b\n1,2\n", "line 1: is not valid JSON")]
    [InlineData("[{\"a\": 1}]", "line 1: holds a list of 1, expected a JSON object")]
    [InlineData("<html>", "is a web page (HTML)")]
    [InlineData("version https://git-lfs.github.com/spec/v1\n", "is a Git LFS pointer")]
    public void A_file_without_a_single_object_is_refused(string text, string message)
    {
        var error = Assert.Throws<ControlNetException>(() => Open(text));
        Assert.Contains("t.jsonl: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_names_in_every_line_do_not_exhaust_the_memory() => Assert.Contains(
        "has more than 10,000 columns",
        Assert.Throws<ControlNetException>(() => Open(string.Concat(Enumerable.Range(0, 10_001).Select(i => $"{{\"c{i}\": 1}}\n")))).Message,
        StringComparison.Ordinal);

    [Fact]
    public void Another_encoding_can_be_named()
    {
        var path = _folder.Write("t.jsonl", Encoding.Latin1.GetBytes("{\"a\": \"ä\"}"));
        Assert.Contains("UTF-8", Assert.Throws<ControlNetException>(() => TableReader.Open(path)).Message, StringComparison.Ordinal);
        Assert.Equal("ä", TableReader.Open(path, Encoding.Latin1).Read([0]).Single().Values[0]);
    }

    private TableReader Open(string text) => TableReader.Open(_folder.Write("t.jsonl", Encoding.UTF8.GetBytes(text)));
}
