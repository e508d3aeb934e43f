using ControlNet.ML.Cli.Scoring;
using ControlNet.ML.Cli.Tables;
using Parquet;
using Parquet.File.Values.Primitives;
using Parquet.Schema;

namespace ControlNet.ML.Cli.Tests.Scoring;

/// <summary>Columns of Parquet that other writers make: text without its annotation, times, and what the reader cannot decode.</summary>
public sealed class CarriedColumnTests : IDisposable
{
    // Of DuckDB: prompt, seed, and 'stars', bytes in delta encoding, which Parquet.Net does not decode.
    private const string DeltaPackedBytes =
        "UEFSMRUAFToVNCwVBhUMFQYVBgAAHSwCAAAABgGAEAgDBgARASBmb3hmb3hmb3gVABUoFSwsFQYVChUGFQYAABRMAgAAAAYBgBAIAwACAAAAAAAAAAAVABUoFSwsFQYVChUGFQYAABRM" +
        "AgAAAAYBgBAIAwACAAAAAAAAAAAVBBlMNQAYDWR1Y2tkYl9zY2hlbWEVBgAVDCUCGAZwcm9tcHQlAAAVBCUCGARzZWVkJSQAFQIlAhgFc3RhcnMlFgAWBhkcGTwmABwVDBkVDBkYBnBy" +
        "b21wdBUCFgYWXBZWJgg8GANmb3gYA2ZveBYAKANmb3gYA2ZveBERAAAAJgAcFQQZFQoZGARzZWVkFQIWBhZKFk4mXjwYCAIAAAAAAAAAGAgAAAAAAAAAABYAKAgCAAAAAAAAABgIAAAA" +
        "AAAAAAAREQAAACYAHBUCGRUKGRgFc3RhcnMVAhYGFkoWTiasATw2ACgEAgAAABgEAAAAABERAAAAFvABFgYmCBbyAQAoKER1Y2tEQiB2ZXJzaW9uIHYxLjUuNiAoYnVpbGQgMDY5Y2M5" +
        "ZjliNSkZPBwAABwAABwAAAA4AQAAUEFSMQ==";

    private readonly ScoreFolder _folder = new("", "unused.csv");

    private string Table => _folder.File_("t.parquet");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("parquet")]
    [InlineData("csv")]
    public async Task A_carried_column_that_cannot_be_decoded_is_left_out_with_a_notice(string format)
    {
        File.WriteAllBytes(Table, Convert.FromBase64String(DeltaPackedBytes));

        var dry = await RunAsync(format, dry: true);
        Assert.Contains("the column 'stars' cannot be read (", dry.Error, StringComparison.Ordinal);
        var answer = await RunAsync(format);

        Assert.True(answer.Code == App.Success, answer.Error);
        Assert.Contains("the column 'stars' cannot be read (", answer.Error, StringComparison.Ordinal);
        Assert.Contains("it is not carried through", answer.Error, StringComparison.Ordinal);
        var results = TableReader.Open(Path.Combine(_folder.Out, $"results.{format}"));
        Assert.Equal(ResultColumns.Fields.Select(field => field.Name), results.Columns.Select(column => column.Name));
        Assert.Equal(3, results.CountRows(default));
    }

    [Fact]
    public async Task Text_without_its_annotation_is_text()
    {
        await WriteAsync(new DataField("prompt", typeof(byte[]), isNullable: true), (group, field) => group.WriteAsync(field, new byte[]?[] { "Bär"u8.ToArray(), null }));

        var answer = await RunAsync("csv");

        Assert.True(answer.Code == App.Success, answer.Error);
        var results = ScoreFolder.Results(Path.Combine(_folder.Out, "results.csv"));
        Assert.Equal("Bär", results[1][^1]);
        Assert.Contains("\"Bär\"", results[1][^2].Replace("\\u00E4", "ä", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bytes_that_are_no_text_are_refused_by_name_before_the_first_image()
    {
        await WriteAsync(new DataField("prompt", typeof(byte[]), isNullable: true), (group, field) => group.WriteAsync(field, new byte[]?[] { "fox"u8.ToArray(), [0xFF, 0xD8] }));

        var answer = await RunAsync("csv");

        Assert.Equal(App.Failed, answer.Code);
        Assert.Contains("t.parquet: row 1, column 'prompt': the value is not valid UTF-8, expected text.", answer.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.Out));
    }

    [Theory]
    [InlineData(TimeUnitPrecision.Millis, "10:17:36.7890000")]
    [InlineData(TimeUnitPrecision.Micros, "00:00:37.0567890")]
    [InlineData(TimeUnitPrecision.Nanos, "00:00:00.037056789")]
    public async Task Times_of_day_are_carried_unchanged(TimeUnitPrecision unit, string text)
    {
        var field = new TimeDataField("at", unit, isNullable: true) { IsAdjustedToUtc = false };
        await WriteAsync(field, (group, own) => unit == TimeUnitPrecision.Millis
            ? group.WriteAsync<int>(own, new int?[] { 37_056_789, null }.AsMemory())
            : group.WriteAsync<long>(own, new long?[] { 37_056_789, null }.AsMemory()));

        var carried = await CarriedAsync();

        var time = Assert.IsType<TimeDataField>(carried.Field);
        Assert.Equal((unit, false), (time.Precision, time.IsAdjustedToUtc));
        Assert.Equal((37_056_789L, null), (Convert.ToInt64(((ParquetTime)carried.Values[0]!).Raw, null), carried.Values[1]));
        Assert.Equal(text, ResultColumns.Text(carried.Values[0]));
    }

    [Theory]
    [InlineData(DateTimeTimeUnit.Nanos, true, 1_714_979_289_123_456_789, "2024-05-06T07:08:09.123456789Z")]
    [InlineData(DateTimeTimeUnit.Nanos, false, -1, "1969-12-31T23:59:59.999999999")]
    [InlineData(DateTimeTimeUnit.Micros, false, 1_714_979_289_123_456, "2024-05-06T07:08:09.1234560")]
    [InlineData(DateTimeTimeUnit.Millis, true, long.MaxValue, "9223372036854775807")]
    public async Task Timestamps_are_carried_to_the_last_digit(DateTimeTimeUnit unit, bool utc, long value, string text)
    {
        var field = new DateTimeDataField("at", DateTimeFormat.Timestamp, utc, unit, isNullable: true);
        await WriteAsync(field, (group, _) => group.WriteAsync<long>(Attached(new DataField("at", typeof(long), isNullable: true)), new long?[] { value, null }.AsMemory()));

        var carried = await CarriedAsync();

        var stamp = Assert.IsType<DateTimeDataField>(carried.Field);
        Assert.Equal((unit, utc), (stamp.Unit, stamp.IsAdjustedToUTC));
        Assert.Equal((value, null), ((long)((ParquetTime)carried.Values[0]!).Raw, carried.Values[1]));
        Assert.Equal(text, ResultColumns.Text(carried.Values[0]));
    }

    [Fact]
    public async Task The_twelve_bytes_of_old_timestamps_are_carried_unchanged()
    {
        // 2024-05-06 is the Julian day 2,460,437; the nanoseconds of the day take two of the three numbers.
        const long nanoseconds = 25_689_123_456_789;
        var bytes = new Interval(unchecked((int)nanoseconds), (int)(nanoseconds >> 32), 2_460_437);
        await WriteAsync(
            new DateTimeDataField("at", DateTimeFormat.Impala, isNullable: true),
            (group, _) => group.WriteAsync<Interval>(Attached(new DataField("at", typeof(Interval), isNullable: true)), new Interval?[] { bytes, null }.AsMemory()));

        var carried = await CarriedAsync();

        Assert.Equal(bytes, ((ParquetTime)carried.Values[0]!).Raw);
        Assert.Equal("2024-05-06T07:08:09.123456789", ResultColumns.Text(carried.Values[0]));
    }

    [Theory]
    [InlineData("prompt,scale\na,1\n", "scale")]
    [InlineData("prompt,start2\na,1\n", "start2")]
    public async Task A_column_of_networks_that_are_not_there_is_told_why_it_does_nothing(string table, string name)
    {
        using var folder = new ScoreFolder(table);
        var answer = await folder.RunAsync(dry: true);
        Assert.Contains($"the column '{name}' is for control networks, but no column 'photo' or 'condition'", answer.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Did you mean", answer.Error, StringComparison.Ordinal);
    }

    private static DataField Attached(DataField field)
    {
        _ = new ParquetSchema(field);
        return field;
    }

    private Task<Answer> RunAsync(string format, bool dry = false) => _folder.RunAsync(settings => settings with { Table = Table, Format = format }, dry);

    /// <summary>The column 'at' of the results.</summary>
    private async Task<(Field Field, object?[] Values)> CarriedAsync()
    {
        var answer = await RunAsync("parquet");
        Assert.True(answer.Code == App.Success, answer.Error);
        var file = Path.Combine(_folder.Out, "results.parquet");
        var table = TableReader.Open(file);
        await using var reader = await ParquetReader.CreateAsync(file);
        return (reader.Schema.Fields[^1], [.. table.Read([table.Columns.Count - 1]).Select(row => row.Values[0])]);
    }

    private async Task WriteAsync(DataField field, Func<ParquetRowGroupWriter, DataField, Task> write)
    {
        await using var stream = File.Create(Table);
        await using var writer = await ParquetWriter.CreateAsync(new ParquetSchema(field), stream);
        using var group = writer.CreateRowGroup();
        await write(group, field);
    }
}
