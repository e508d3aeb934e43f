using System.Text;
using System.Text.Unicode;
using Parquet;
using Parquet.File.Values.Primitives;
using Parquet.Schema;

namespace ControlNet.ML.Cli.Tables;

/// <summary>Reads and writes values of any supported type through Parquet.Net's generic interface.</summary>
internal static class ParquetValues
{
    private static readonly Dictionary<Type, Access> Types = new()
    {
        [typeof(bool)] = new Of<bool>(),
        [typeof(sbyte)] = new Of<sbyte>(),
        [typeof(byte)] = new Of<byte>(),
        [typeof(short)] = new Of<short>(),
        [typeof(ushort)] = new Of<ushort>(),
        [typeof(int)] = new Of<int>(),
        [typeof(uint)] = new Of<uint>(),
        [typeof(long)] = new Of<long>(),
        [typeof(ulong)] = new Of<ulong>(),
        [typeof(float)] = new Of<float>(),
        [typeof(double)] = new Of<double>(),
        [typeof(Interval)] = new Of<Interval>(),
        [typeof(decimal)] = new Of<decimal>(),
        [typeof(DateTime)] = new Of<DateTime>(),
        [typeof(DateOnly)] = new Of<DateOnly>(),
        [typeof(TimeOnly)] = new Of<TimeOnly>(),
        [typeof(TimeSpan)] = new Of<TimeSpan>(),
        [typeof(Guid)] = new Of<Guid>(),
        [typeof(ReadOnlyMemory<char>)] = new Texts(),
        [typeof(ReadOnlyMemory<byte>)] = new Bytes(),
    };

    /// <summary>Whether values of a field can be read and written.</summary>
    public static bool Knows(DataField field) =>
        !field.IsArray && (ParquetTimeType.Of(field) is not null || Types.ContainsKey(field.ClrType));

    /// <summary>The type of the values that <see cref="Read"/> returns; text that is not valid UTF-8 stays bytes.</summary>
    public static Type TypeOf(DataField field) =>
        ParquetTimeType.Of(field) is not null ? typeof(ParquetTime)
        : ParquetHalf.Is(field) ? typeof(float)
        : field.ClrType == typeof(ReadOnlyMemory<char>) ? typeof(string)
        : field.ClrType == typeof(ReadOnlyMemory<byte>) ? typeof(byte[])
        : field.ClrType;

    /// <summary>A nullable field of the same type, for the results.</summary>
    public static DataField Carried(DataField field) => ParquetTimeType.Annotated(field) switch
    {
        TimeDataField t => new TimeDataField(t.Name, t.Precision, isNullable: true) { IsAdjustedToUtc = t.IsAdjustedToUtc },
        DecimalDataField d => new DecimalDataField(d.Name, d.Precision, d.Scale, d.ForceByteArrayEncoding, isNullable: true),
        DateTimeDataField d => new DateTimeDataField(d.Name, d.DateTimeFormat, d.IsAdjustedToUTC, d.Unit, isNullable: true),
        var other when ParquetHalf.Is(other) => new DataField(other.Name, typeof(float), isNullable: true),
        var other => new DataField(other.Name, other.ClrType, isNullable: true),
    };

    /// <summary>Reads a column of a row group; returns a function from the row within the group to its value, which may be null.</summary>
    public static Func<int, object?> Read(ParquetRowGroupReader group, DataField field)
    {
        if (ParquetTimeType.Of(field) is { } time)
        {
            var numbers = Types[time.Number].Read(group, As(time.Number, field));
            return row => numbers(row) is { } number ? new ParquetTime(number, time) : null;
        }

        var values = Types[field.ClrType].Read(group, field);
        return ParquetHalf.Is(field) ? row => values(row) is byte[] bytes ? ParquetHalf.Of(bytes) : null : values;
    }

    /// <summary>Writes a column of a row group; the field has to be nullable. Times are those of <see cref="Read"/> or of .NET.</summary>
    public static void Write(ParquetRowGroupWriter group, DataField field, IReadOnlyList<object?> values)
    {
        if (ParquetTimeType.Of(field) is { } time && values.All(value => value is null or ParquetTime))
            Types[time.Number].Write(group, As(time.Number, field), [.. values.Select(value => ((ParquetTime?)value)?.Raw)]);
        else
            Types[field.ClrType].Write(group, field, values);
    }

    /// <summary>
    /// The field with another type and without annotations. Parquet.Net finds a field's column only once it is part of a schema.
    /// </summary>
    private static DataField As(Type type, DataField field)
    {
        var plain = new DataField(field.Name, type, field.IsNullable);
        _ = new ParquetSchema(plain);
        return plain;
    }

    private abstract class Access
    {
        public abstract Func<int, object?> Read(ParquetRowGroupReader group, DataField field);

        public abstract void Write(ParquetRowGroupWriter group, DataField field, IReadOnlyList<object?> values);
    }

    private sealed class Of<T> : Access
        where T : struct
    {
        public override Func<int, object?> Read(ParquetRowGroupReader group, DataField field)
        {
            if (field.IsNullable)
            {
                var values = new T?[group.RowCount];
                Wait(group.ReadAsync<T>(field, values.AsMemory()));
                return row => values[row];
            }

            var present = new T[group.RowCount];
            Wait(group.ReadAsync<T>(field, present.AsMemory()));
            return row => present[row];
        }

        public override void Write(ParquetRowGroupWriter group, DataField field, IReadOnlyList<object?> values) =>
            group.WriteAsync<T>(field, values.Select(value => (T?)value).ToArray().AsMemory()).GetAwaiter().GetResult();
    }

    private sealed class Texts : Access
    {
        public override Func<int, object?> Read(ParquetRowGroupReader group, DataField field)
        {
            // Parquet.Net decodes text as it reads it (as of version 6.1): invalid UTF-8 to replacement characters, and with delta encoding
            // to characters where the file counts bytes, so that every umlaut shifts the text after it.
            var bytes = Types[typeof(ReadOnlyMemory<byte>)].Read(group, As(typeof(byte[]), field));
            return row => bytes(row) is not byte[] text ? null : Utf8.IsValid(text) ? Encoding.UTF8.GetString(text) : text;
        }

        public override void Write(ParquetRowGroupWriter group, DataField field, IReadOnlyList<object?> values) =>
            group.WriteAsync(field, values.Select(value => (string)value!).ToArray()).GetAwaiter().GetResult();
    }

    private sealed class Bytes : Access
    {
        public override Func<int, object?> Read(ParquetRowGroupReader group, DataField field)
        {
            var values = new byte[]?[group.RowCount];
            Wait(group.ReadAsync(field, values.AsMemory()));
            return row => values[row];
        }

        public override void Write(ParquetRowGroupWriter group, DataField field, IReadOnlyList<object?> values) =>
            group.WriteAsync(field, values.Select(value => (byte[])value!).ToArray()).GetAwaiter().GetResult();
    }

    private static void Wait(ValueTask task) => task.AsTask().GetAwaiter().GetResult();
}
