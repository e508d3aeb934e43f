using System.Text;
using ControlNet.ML.Cli.Scoring;
using ControlNet.ML.Cli.Tables;
using Parquet.Schema;

namespace ControlNet.ML.Fuzz.Targets;

/// <summary>Tables.</summary>
internal static class TableTargets
{
    private const int MostRows = 10_000;

    /// <summary>The readers.</summary>
    public static IEnumerable<Reader> All(Workplace folder)
    {
        byte[][] texts = [.. new[] { "prompt,photo,seed,scale\na,x.png,1,0.5\n\"b, \"\"c\"\"\nd\",,2,\n", "a;b\r\n1;2\r\n", "a\tb\n1\t2\n\n3\t4", "\ufeffx\ny\n" }.Select(Encoding.UTF8.GetBytes)];
        yield return new Reader("csv", texts, input => ReadAll(folder.Write("t.csv", input))) { Words = ["\"", "\"\"", ",", ";", "\r\n", "\n\n", "\"\n\""] };
        yield return new Reader("tsv", texts, input => ReadAll(folder.Write("t.tsv", input))) { Words = ["\"", "\t", "\r"] };

        byte[][] lines = [.. new[] { "{\"prompt\": \"a\", \"seed\": 1, \"x\": 0.5, \"y\": true}\n{\"seed\": 18446744073709551615, \"z\": [1]}\n", "\ufeff{\"a\": null}\n\n{}\n" }.Select(Encoding.UTF8.GetBytes)];
        yield return new Reader("jsonl", lines, input => ReadAll(folder.Write("t.jsonl", input))) { Words = ["\n", "{", "}", "1e999", "-1", "9223372036854775808", "null", "\"\\ud800\""] };

        // An endless page, which nobody can foresee, is given up long before the fuzzer's own bound.
        byte[][] tables = [Parquet(3), Parquet(0), Parquet(200)];
        yield return new Reader("parquet", tables, input => ReadAll(folder.Write("t.parquet", input))) { Words = ["PAR1"], Repair = WithFooterLength };
    }

    /// <summary>Reads every cell.</summary>
    public static void ReadAll(string path)
    {
        var table = TableReader.Open(path);
        _ = table.Unreadable;
        foreach (var row in table.Read([.. Enumerable.Range(0, table.Columns.Count)]).Take(MostRows))
        {
            foreach (var value in row.Values)
                _ = ResultColumns.Text(value);
        }
    }

    private static byte[] Parquet(int rows)
    {
        using var stream = new MemoryStream();
        DataField[] fields =
        [
            new("row", typeof(long), isNullable: true), new("ok", typeof(bool), isNullable: true), new("prompt", typeof(string), isNullable: true), new("scale", typeof(double), isNullable: true),
            new("n", typeof(int), isNullable: true), new("raw", typeof(byte[]), isNullable: true), new DecimalDataField("price", 10, 2, isNullable: true), new DateTimeDataField("when", DateTimeFormat.Timestamp, isNullable: true),
        ];
        using (var writer = ResultWriter.Create("parquet", stream, fields, 64))
        {
            for (var i = 0; i < rows; i++)
                writer.Write([(long)i * i, i % 3 == 0, i % 5 == 0 ? null : $"prompt {i % 7}", i / 3.0, i % 4 == 0 ? null : i, new byte[] { (byte)i }, (decimal)i, new DateTime(2024, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddDays(i)]);
            writer.Finish();
        }

        return stream.ToArray();
    }

    /// <summary>Puts the end of a file right, where its footer's length is.</summary>
    private static byte[] WithFooterLength(byte[] input)
    {
        var start = input.AsSpan().LastIndexOf([(byte)0x15, (byte)0x02, (byte)0x19]);
        if (start < 0 || input.Length < 12 || start > input.Length - 8)
            return input;
        var file = (byte[])input.Clone();
        BitConverter.GetBytes(file.Length - 8 - start).CopyTo(file, file.Length - 8);
        "PAR1"u8.CopyTo(file.AsSpan(file.Length - 4));
        return file;
    }
}
