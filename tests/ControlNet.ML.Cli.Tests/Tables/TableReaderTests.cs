using System.Text;
using ControlNet.ML.Cli.Scoring;
using ControlNet.ML.Cli.Tables;
using ControlNet.ML.Cli.Tests.Scoring;
using Parquet;
using Parquet.Schema;

namespace ControlNet.ML.Cli.Tests.Tables;

public sealed class TableReaderTests
{
    [Theory]
    [InlineData("t.csv", "a,b\n1,\"x, \"\"y\"\"\nz\"\n\n,2\n")]
    [InlineData("t.csv", "\uFEFFa;b\r\n1;\"x, \"\"y\"\"\nz\"\r\n\r\n;2")]
    [InlineData("t.tsv", "a\tb\n1\t\"x, \"\"y\"\"\nz\"\n\t2\n")]
    public void Text_is_read_with_whatever_stands_between_fields(string name, string text)
    {
        using var folder = new TemporaryFolder();
        var table = TableReader.Open(folder.Write(name, Encoding.UTF8.GetBytes(text)));
        Assert.Equal(["a", "b"], table.Columns.Select(column => column.Name));
        Assert.Equal(2, table.CountRows(default));
        Assert.Equal([(0L, "1|x, \"y\"\nz"), (1L, "|2")], table.Read([0, 1]).Select(row => (row.Number, string.Join('|', row.Values))));
        Assert.All(table.Read([1]), row => Assert.Single(row.Values));
    }

    [Fact]
    public async Task Parquet_keeps_its_types_from_table_to_results_over_all_row_groups()
    {
        using var folder = new ScoreFolder("", "unused.csv");
        var file = folder.File_("t.parquet");
        await WriteAsync(file);

        var answer = await folder.RunAsync(settings => settings with { Table = file, Format = "parquet" });

        Assert.Equal(App.Success, answer.Code);
        Assert.Contains("the column 'tags' holds lists or structures", answer.Error);
        var (before, after) = (TableReader.Open(file), TableReader.Open(Path.Combine(folder.Out, "results.parquet")));
        string[] carried = ["id", "when", "price", "raw", "day", "weight"];
        Assert.Equal(carried.Select(name => before.Columns.Single(column => column.Name == name)), after.Columns.Skip(8));
        Assert.Equal(Values(before, carried), Values(after, carried));
        Assert.Equal(["3", "4", "5", "3"], Values(after, ["seed"]).Take(2).Concat(Values(after, ["seed"]).Skip(2)));
    }

    [Theory]
    [InlineData("t.xlsx", "x", "expected .csv, .tsv, .jsonl or .parquet")]
    [InlineData("t.parquet", "x", "cannot be read as Parquet")]
    public void What_is_no_table_is_refused(string name, string text, string message)
    {
        using var folder = new TemporaryFolder();
        var path = folder.Write(name, Encoding.UTF8.GetBytes(text));
        Assert.Contains(message, Assert.Throws<ControlNetException>(() => TableReader.Open(path)).Message);
        Assert.Contains("no such file", Assert.Throws<ControlNetException>(() => TableReader.Open($"{path}.csv")).Message);
    }

    private static IEnumerable<string> Values(TableReader table, string[] names)
    {
        var indices = names.Select(name => table.Columns.Select(column => column.Name).ToList().IndexOf(name)).ToArray();
        return table.Read(indices).Select(row => string.Join('|', row.Values.Select(ResultColumns.Text)));
    }

    /// <summary>Two row groups of two rows; the seed's column has a gap, so that it is of floating-point numbers, as pandas writes it.</summary>
    private static async Task WriteAsync(string file)
    {
        DataField[] fields =
        [
            new("id", typeof(int), isNullable: false), new("prompt", typeof(string), isNullable: true), new("seed", typeof(double), isNullable: true),
            new DateTimeDataField("when", DateTimeFormat.Timestamp, isNullable: true), new DecimalDataField("price", 10, 2, isNullable: true),
            new("raw", typeof(byte[]), isNullable: true), new("day", typeof(DateOnly), isNullable: true), new("weight", typeof(float), isNullable: true),
        ];
        var tags = new ListField("tags", new DataField("element", typeof(int), isNullable: true));
        await using var stream = File.Create(file);
        await using var writer = await ParquetWriter.CreateAsync(new ParquetSchema([.. fields, tags]), stream);
        for (var g = 0; g < 2; g++)
        {
            using var group = writer.CreateRowGroup();
            await group.WriteAsync<int>(fields[0], new[] { 10 + g, 20 + g }.AsMemory());
            ParquetValues.Write(group, fields[1], ["a", null]);
            ParquetValues.Write(group, fields[2], g == 0 ? [3.0, 4.0] : [5.0, null]);
            ParquetValues.Write(group, fields[3], [new DateTime(2024, 5, 6, 7, 8, 9, DateTimeKind.Utc), null]);
            ParquetValues.Write(group, fields[4], [1.25m, null]);
            ParquetValues.Write(group, fields[5], [new byte[] { 1, 2 }, null]);
            ParquetValues.Write(group, fields[6], [new DateOnly(2024, 5, 6), null]);
            ParquetValues.Write(group, fields[7], [0.5f, null]);
            await group.WriteAsync<int>(tags.Item is DataField item ? item : throw new InvalidOperationException(), new int?[] { 1, 2 }.AsMemory(), new[] { 0, 0 }.AsMemory());
        }
    }
}
