using ControlNet.ML.Cli.Scoring;
using ControlNet.ML.Cli.Tables;
using Parquet;
using Parquet.Schema;

namespace ControlNet.ML.Cli.Tests.Scoring;

/// <summary>What Parquet.Net reads wrongly or not at all: text that is no UTF-8 or in delta encoding, and numbers of half precision.</summary>
public sealed class ParquetTextTests : IDisposable
{
    // Of Arrow, uncompressed: 'prompt' in delta encoding (DELTA_BYTE_ARRAY), 'guidance' and 'half' of FLOAT16.
    private const string DeltaTextAndHalves =
        "UEFSMRUAFaIBFaIBLBUGFQ4VBhUGAAACAAAABgGAAQQDABUFAAAAFgAAAAAAAAAAAAAAAAAAAAAAAACAAQQDHBcEAAAA0AAAAAAAAAAAAAAAAAAAAELDpHIgYXVmIEdyw7xuYXVmb3gV" +
        "ABUUFRQsFQYVABUGFQYAAAIAAAADA4BHAEAVABUUFRQsFQYVABUGFQYAAAIAAAADA2Yu/3sZHBYIFcgBFgAAGRY8ABkcFtABFTYWAAAAGRwWhgIVNhYAAAAVBBlMNQAYBnNjaGVtYRUG" +
        "ABUMJQIYBnByb21wdCUATBwAAAAVDhUEFQIYCGd1aWRhbmNlbPwAAAAVDhUEFQIYBGhhbGZs/AAAABYGGRwZPCYAHBUMGSUGDhkYBnByb21wdBUAFgYWyAEWyAEmCEkcFQAVDhUCADwW" +
        "PBkGGSYABgAAFrwCFRwAJgAcFQ4ZJQYAGRgIZ3VpZGFuY2UVABYGFjYWNibQAUkcFQAVABUCADwpBhkmAgQAABbYAhUWACYAHBUOGSUGABkYBGhhbGYVABYGFjYWNiaGAkkcFQAVABUC" +
        "ADwpBhkmAgQAABbuAhUWABa0AhYGJggWtAIAKAF4GTwcAAAcAAAcAAAADAEAAFBBUjE=";

    private readonly ScoreFolder _folder = new("", "unused.csv");

    private string Table => _folder.File_("t.parquet");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Text_in_delta_encoding_shares_bytes_and_not_characters()
    {
        File.WriteAllBytes(Table, Convert.FromBase64String(DeltaTextAndHalves));
        Assert.Equal(["Bär auf Grün", "Bär auf Grau", "fox"], TableReader.Open(Table).Read([0]).Select(row => row.Values[0]));
    }

    [Fact]
    public async Task Halves_are_numbers_and_carried_in_single_precision()
    {
        File.WriteAllBytes(Table, Convert.FromBase64String(DeltaTextAndHalves));

        var answer = await RunAsync("parquet");

        Assert.True(answer.Code == App.Success, answer.Error);
        Assert.Equal(["7.5", "2"], TableReader.Open(Table).Read([1]).Take(2).Select(row => ResultColumns.Text(row.Values[0])));
        var results = TableReader.Open(Path.Combine(_folder.Out, "results.parquet"));
        Assert.Equal(("half", typeof(float)), (results.Columns[^1].Name, results.Columns[^1].Type));
        Assert.Equal([(float)(Half)0.1, 65504f, null], results.Read([results.Columns.Count - 1]).Select(row => row.Values[0]));
    }

    [Fact]
    public async Task Annotated_text_that_is_no_utf8_is_refused_where_it_is_needed()
    {
        await WriteAsync("prompt");

        var answer = await RunAsync("csv");

        Assert.Equal(App.Failed, answer.Code);
        Assert.Contains("t.parquet: row 1, column 'prompt': the value is not valid UTF-8, expected text.", answer.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.Out));
    }

    [Theory]
    [InlineData("parquet")]
    [InlineData("csv")]
    public async Task Annotated_text_that_is_no_utf8_is_carried_as_bytes_with_a_notice(string format)
    {
        await WriteAsync("note");

        var answer = await RunAsync(format);

        Assert.True(answer.Code == App.Success, answer.Error);
        Assert.Contains("the text column 'note' is not valid UTF-8: it is carried through as bytes", answer.Error, StringComparison.Ordinal);
        var results = TableReader.Open(Path.Combine(_folder.Out, $"results.{format}"));
        Assert.Equal([Convert.ToBase64String("Bär \uFFFD"u8), "QuRy", ""], results.Read([results.Columns.Count - 1]).Select(row => ResultColumns.Text(row.Values[0])));
    }

    [Fact]
    public async Task A_column_that_is_needed_and_holds_lists_is_refused_by_name()
    {
        var prompts = new ListField("prompt", new DataField("element", typeof(int), isNullable: true));
        await using (var stream = File.Create(Table))
        await using (var writer = await ParquetWriter.CreateAsync(new ParquetSchema(prompts), stream))
        {
            using var group = writer.CreateRowGroup();
            await group.WriteAsync<int>((DataField)prompts.Item, new int?[] { 1, 2 }.AsMemory(), new[] { 0, 0 }.AsMemory());
        }

        var answer = await RunAsync("csv");

        Assert.Equal(App.Failed, answer.Code);
        Assert.Contains("the column 'prompt' holds lists or structures, expected one text or number per row", answer.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("prompt\nfo\0x\ndog\n", "prompt")]
    [InlineData("negative_prompt\nfo\0x\ndog\n", "negative_prompt")]
    public async Task A_prompt_with_a_null_character_fails_its_row_only(string text, string column)
    {
        using var folder = new ScoreFolder(text);

        var answer = await folder.RunAsync();

        Assert.Equal(App.SomeFailed, answer.Code);
        Assert.Contains($"row 0, column '{column}': the value contains a null character", answer.Error, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(folder.Out, "pictures", "00000001.png")));
    }

    private Task<Answer> RunAsync(string format) => _folder.RunAsync(settings => settings with { Table = Table, Format = format });

    /// <summary>A column that says that it is text, whose second value is Windows-1252.</summary>
    private async Task WriteAsync(string name)
    {
        var bytes = new DataField(name, typeof(byte[]), isNullable: true);
        _ = new ParquetSchema(bytes);
        await using var stream = File.Create(Table);
        await using var writer = await ParquetWriter.CreateAsync(new ParquetSchema(new DataField(name, typeof(string), isNullable: true)), stream);
        using var group = writer.CreateRowGroup();
        await group.WriteAsync(bytes, new byte[]?[] { "Bär \uFFFD"u8.ToArray(), [0x42, 0xE4, 0x72], null });
    }
}
