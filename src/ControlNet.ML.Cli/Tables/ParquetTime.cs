using System.Globalization;
using Parquet.File.Values.Primitives;
using Parquet.Schema;

namespace ControlNet.ML.Cli.Tables;

/// <summary>A Parquet time, exact to the nanosecond: .NET's times have ticks of 100 ns.</summary>
/// <param name="Raw">
/// The number in the file: int, long, or the 12 bytes of an INT96 (nanoseconds of the day, Julian day), which fit into an <see
/// cref="Interval"/>.
/// </param>
/// <param name="Type">The unit and origin of the number.</param>
internal readonly record struct ParquetTime(object Raw, ParquetTimeType Type) : IFormattable
{
    private const long NanosecondsOfDay = 86_400_000_000_000;
    private const int JulianDayOfEpoch = 2_440_588;

    private Int128 Nanoseconds => Raw switch
    {
        Interval i => (((Int128)i.Millis - JulianDayOfEpoch) * NanosecondsOfDay) + (((long)i.Days << 32) | (uint)i.Months),
        IConvertible number => (Int128)number.ToInt64(null) * Type.Nanoseconds,
        _ => throw new InvalidOperationException("A time is a number."),
    };

    /// <summary>
    /// The time in ISO 8601, with nine decimals of a second if the unit is nanoseconds, otherwise seven. A number outside .NET's calendar
    /// stays a number.
    /// </summary>
    public string ToString(string? format, IFormatProvider? formatProvider)
    {
        var ticks = Int128.DivRem(Nanoseconds - (((Nanoseconds % 100) + 100) % 100), 100).Quotient
            + (Type.IsOfDay ? 0 : DateTime.UnixEpoch.Ticks);
        if (ticks < 0 || ticks > (Type.IsOfDay ? TimeSpan.TicksPerDay - 1 : DateTime.MaxValue.Ticks))
            return string.Create(CultureInfo.InvariantCulture, $"{Raw}");
        var pattern = Type.IsOfDay ? "HH:mm:ss.fffffff" : "yyyy-MM-ddTHH:mm:ss.fffffff";
        var text = new DateTime((long)ticks).ToString(pattern, CultureInfo.InvariantCulture);
        var rest = Type.Nanoseconds == 1 ? ((int)(((Nanoseconds % 100) + 100) % 100)).ToString("00", CultureInfo.InvariantCulture) : "";
        return $"{text}{rest}{(Type.IsUtc && !Type.IsOfDay ? "Z" : "")}";
    }

    public override string ToString() => ToString(null, null);
}

/// <summary>The unit and origin of the numbers in a column of times.</summary>
/// <param name="Number">Their .NET type.</param>
/// <param name="Nanoseconds">The unit in nanoseconds.</param>
/// <param name="IsOfDay">Whether they count from midnight, not from 1970.</param>
/// <param name="IsUtc">Whether they are in UTC, not in local time.</param>
internal sealed record ParquetTimeType(Type Number, long Nanoseconds, bool IsOfDay, bool IsUtc)
{
    /// <summary>The type of a column's times, or null if it holds dates or no times.</summary>
    public static ParquetTimeType? Of(DataField field) => Annotated(field) switch
    {
        TimeDataField { Precision: TimeUnitPrecision.Millis } time => new(typeof(int), 1_000_000, true, time.IsAdjustedToUtc),
        TimeDataField { Precision: TimeUnitPrecision.Micros } time => new(typeof(long), 1000, true, time.IsAdjustedToUtc),
        TimeDataField time => new(typeof(long), 1, true, time.IsAdjustedToUtc),
        DateTimeDataField { DateTimeFormat: DateTimeFormat.Impala } => new(typeof(Interval), 1, false, false),
        DateTimeDataField { DateTimeFormat: DateTimeFormat.DateAndTime } => new(typeof(long), 1_000_000, false, true),
        DateTimeDataField { DateTimeFormat: DateTimeFormat.DateAndTimeMicros } => new(typeof(long), 1000, false, true),
        DateTimeDataField { DateTimeFormat: DateTimeFormat.Timestamp } time =>
            new(typeof(long), NanosecondsOf(time.Unit), false, time.IsAdjustedToUTC),
        _ => null,
    };

    /// <summary>
    /// The field as a time, also for annotations of old writers, which Parquet.Net does not read as times (as of version 6.1).
    /// </summary>
    public static DataField Annotated(DataField field) => field is TimeDataField ? field : field.SchemaElement?.ConvertedType switch
    {
        Parquet.Meta.ConvertedType.TIME_MILLIS => new TimeDataField(field.Name, TimeUnitPrecision.Millis, field.IsNullable),
        Parquet.Meta.ConvertedType.TIME_MICROS => new TimeDataField(field.Name, TimeUnitPrecision.Micros, field.IsNullable),
        _ => field,
    };

    private static long NanosecondsOf(DateTimeTimeUnit unit) => unit switch
    {
        DateTimeTimeUnit.Nanos => 1,
        DateTimeTimeUnit.Micros => 1000,
        _ => 1_000_000,
    };
}
