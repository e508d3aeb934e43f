using System.Buffers.Binary;
using System.Text;
using ControlNet.ML.Weights;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Weights;

public sealed class SafetensorsFileTests : IDisposable
{
    private const string Kind = "broken safetensors files";

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Broken => Fixtures.Cases(BrokenCases.FileNames("safetensors"));

    public static TheoryData<string> Sound => Fixtures.Cases(
        Fixtures.Has("models") ? Directory.EnumerateFiles(Fixtures.Path("models"), "*.safetensors", SearchOption.AllDirectories)
            .Concat(Fixtures.Has("weights") ? Directory.EnumerateFiles(Fixtures.Path("weights", "layouts"), "*.safetensors", SearchOption.AllDirectories) : [])
            .Select(path => Path.GetRelativePath(Fixtures.Root, path)).Order(StringComparer.Ordinal) : []);

    public void Dispose() => _folder.Dispose();

    [Theory, MemberData(nameof(Broken)), Trait("Category", "Parity")]
    public void Broken_files_get_the_answer_they_deserve(string name)
    {
        Fixtures.SkipIfNothing(name, Kind);
        BrokenCases.Check(BrokenCases.FileCase(name), Path.GetFileName(name), () => ReadAll(Fixtures.Path("weights", "broken", name)));
    }

    [Fact, Trait("Category", "Parity")]
    public void Randomly_damaged_files_are_read_or_refused_as_the_reference_does()
    {
        Assert.SkipUnless(Fixtures.Has("weights", "broken", "mutants.json"), $"No mutants in {Fixtures.Root}.");
        foreach (var mutant in BrokenCases.Read("mutants.json")["safetensors"]!.AsArray())
        {
            var path = _folder.Write("mutant.safetensors", Convert.FromBase64String((string)mutant!["base64"]!));
            var error = Record.Exception(() => ReadAll(path));
            Assert.True(error is null or ControlNetException, $"{error}");
            if (((string)mutant["reference"]!).StartsWith("refuses", StringComparison.Ordinal))
                Assert.NotNull(error);
        }
    }

    [Theory]
    [InlineData("git-lfs-pointer", "Git LFS")]
    [InlineData("html-page", "web page")]
    [InlineData("wrong-endings-zip", "zip")]
    [InlineData("truncated", "is it truncated?")]
    [InlineData("overlap", "'a' and 'b' overlap")]
    [InlineData("hole", "bytes 4 to 8")]
    [InlineData("dtype-unknown", "'F99'")]
    public void Messages_say_what_was_found(string name, string expected)
    {
        var path = Fixtures.Path("weights", "broken", "safetensors", name + ".safetensors");
        Assert.SkipUnless(File.Exists(path), $"No {path}.");
        Assert.Contains(expected, Assert.Throws<ControlNetException>(() => SafetensorsFile.Open(path)).Message, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Sound)), Trait("Category", "Parity")]
    public void Sound_files_give_the_bytes_and_the_numbers_they_hold(string name)
    {
        Fixtures.SkipIfNothing(name, "safetensors files");
        var reference = new ReferenceTensors(Path.Combine(Fixtures.Root, name));
        using var file = SafetensorsFile.Open(Path.Combine(Fixtures.Root, name));
        Assert.Equal(reference.Names.Order(StringComparer.Ordinal), file.Entries.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(reference.Metadata, file.Metadata);
        foreach (var entry in file.Entries.Values)
        {
            Assert.Equal(reference.Shape(entry.Name), entry.Shape.Select(size => (int)size));
            Assert.Equal(reference.Type(entry.Name), entry.Type.FormatName());
            Assert.True(reference.Bytes(entry.Name).SequenceEqual(file.Bytes(entry.Name)), entry.Name);
            var values = new float[entry.Count];
            file.CopyTo(entry.Name, values);
            Assert.Equal(reference.Floats(entry.Name), values);
        }
    }

    [Fact]
    public void Every_type_is_converted_to_float()
    {
        Check(TensorType.F64, [0.1, -2], BitConverter.GetBytes, 0.1f, -2);
        Check(TensorType.F16, [(Half)0.1f, Half.NegativeInfinity], BitConverter.GetBytes, (float)(Half)0.1f, float.NegativeInfinity);
        Check(TensorType.BF16, [(ushort)0x3f80, (ushort)0xc049], BitConverter.GetBytes, 1, -3.140625f);
        Check(TensorType.I64, [-5L, 1L << 40], BitConverter.GetBytes, -5, 1.0995116e12f);
        Check(TensorType.U64, [ulong.MaxValue], BitConverter.GetBytes, 1.8446744e19f);
        Check(TensorType.I32, [-7], BitConverter.GetBytes, -7);
        Check(TensorType.U32, [uint.MaxValue], BitConverter.GetBytes, 4.2949673e9f);
        Check(TensorType.I16, [(short)-300], BitConverter.GetBytes, -300);
        Check(TensorType.U16, [ushort.MaxValue], BitConverter.GetBytes, 65535);
        Check(TensorType.I8, [(sbyte)-1], value => [(byte)value], -1);
        Check(TensorType.U8, [(byte)255], value => [value], 255);
        Check(TensorType.Bool, [true, false], value => [value ? (byte)1 : (byte)0], 1, 0);

        // OCP 8-bit floating point specification, tables 1 and 2: 1, smallest subnormal, largest, NaN.
        Check(TensorType.F8E4M3, [(byte)0x38, (byte)0x01, (byte)0xfe, (byte)0x7f], value => [value], 1, 1 / 512f, -448, float.NaN);
        Check(TensorType.F8E5M2, [(byte)0x3c, (byte)0x01, (byte)0xfb, (byte)0x7c], value => [value], 1, 1 / 65536f, -57344, float.PositiveInfinity);
    }

    [Property(MaxTest = 50)]
    public void Halves_of_any_number_and_place_are_converted_exactly(short[] bits, byte shift)
    {
        var skip = Math.Min(shift % 9, bits.Length);
        var raw = bits.SelectMany(BitConverter.GetBytes).ToArray();
        Written.To(_folder.File("halves.safetensors"), [
            TensorContent.FromBytes("a", TensorType.F16, [skip], raw.AsMemory(0, 2 * skip)),
            TensorContent.FromBytes("b", TensorType.F16, [bits.Length], raw),
            TensorContent.FromBytes("c", TensorType.BF16, [bits.Length], raw)]);
        using var file = SafetensorsFile.Open(_folder.File("halves.safetensors"));
        var values = new float[bits.Length];
        file.CopyTo("b", values);
        Assert.Equal(bits.Select(value => (float)BitConverter.Int16BitsToHalf(value)), values);
        file.CopyTo("c", values);
        Assert.Equal(bits.Select(value => BitConverter.Int32BitsToSingle(value << 16)), values);
    }

    /// <summary>Any change of bytes in the header gives a file that reads within its bounds, or our error.</summary>
    [Property(MaxTest = 500)]
    public Property Damaged_headers_never_crash()
    {
        var seed = Path.Combine(_folder.Path, "sound.safetensors");
        Written.To(seed, [TensorContent.FromFloats("a", new float[6], 2, 3), TensorContent.FromBytes("b", TensorType.U8, [5], new byte[5])]);
        var sound = File.ReadAllBytes(seed);
        var header = 8 + (int)BinaryPrimitives.ReadUInt64LittleEndian(sound);
        var character = Gen.Elements("0123456789-.eE{}[]\":,\\ ua\0\u007f".Select(c => (byte)c).Append((byte)0xff).ToArray());
        var edit = from place in Gen.Choose(0, header - 1) from value in character from kind in Gen.Choose(0, 2) select (place, value, kind);
        return Prop.ForAll(edit.ListOf().Where(edits => edits.Count < 6).ToArbitrary(), edits =>
        {
            var bytes = sound.ToList();
            foreach (var (place, value, kind) in edits)
            {
                if (kind == 0)
                    bytes[place] = value;
                else if (kind == 1)
                    bytes.Insert(place, value);
                else
                    bytes.RemoveAt(place);
            }

            var error = Record.Exception(() => ReadAll(_folder.Write("mutant.safetensors", [.. bytes])));
            return error is null or ControlNetException;
        });
    }

    [Fact]
    public void Files_beyond_4_GiB_are_read_in_place()
    {
        // A file with a hole: two tensors, the second of which starts beyond what 32 bits count. Almost none of it is on the disk.
        var large = (1L << 32) + 12_345;
        var header = Encoding.UTF8.GetBytes($$$"""{"large":{"dtype":"U8","shape":[{{{large}}}],"data_offsets":[0,{{{large}}}]},"last":{"dtype":"F32","shape":[2],"data_offsets":[{{{large}}},{{{large + 8}}}]}}""");
        var path = _folder.File("sparse.safetensors");
        using (var stream = new FileStream(path, FileMode.Create))
        {
            stream.Write(BitConverter.GetBytes((long)header.Length));
            stream.Write(header);
            stream.Position += large - 1;
            stream.WriteByte(77);
            stream.Write(BitConverter.GetBytes(1.5f));
            stream.Write(BitConverter.GetBytes(-2.5f));
        }

        var before = GC.GetAllocatedBytesForCurrentThread();
        using var file = SafetensorsFile.Open(path);
        var values = new float[2];
        file.CopyTo("last", values);
        Assert.Equal([1.5f, -2.5f], values);
        Assert.Equal(77, file.Bytes("large", large - 1, 1)[0]);
        Assert.Equal(file.Address("large") + checked((nint)large), file.Address("last"));
        Assert.Throws<ArgumentException>(() => file.Bytes("large").Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Bytes("large", large, 1).Length);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
    }

    [Fact]
    public void What_the_caller_does_wrong_is_an_argument_error()
    {
        Written.To(_folder.File("one.safetensors"), [TensorContent.FromFloats("a", new float[3], 3)]);
        var file = SafetensorsFile.Open(_folder.File("one.safetensors"));
        Assert.Throws<ArgumentException>(() => file.Bytes("b").Length);
        Assert.Throws<ArgumentException>(() => file.CopyTo("a", new float[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Bytes("a", -1, 2).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Bytes("a", 11, 2).Length);
        file.Dispose();
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => file.Address("a"));
    }

    [Fact]
    public async Task Closing_waits_for_nobody_and_takes_no_bytes_from_who_reads()
    {
        // Bytes that are no longer mapped would end the process.
        var path = _folder.File("large.safetensors");
        Written.To(path, [TensorContent.FromBytes("a", TensorType.F32, [1 << 20], new byte[4 << 20])]);
        for (var round = 0; round < 10; round++)
        {
            var file = SafetensorsFile.Open(path);
            using var begun = new SemaphoreSlim(0);
            var reading = Task.Run(() =>
            {
                var values = new float[1 << 20];
                for (begun.Release(); ;)
                    file.CopyTo("a", values);
            });
            await begun.WaitAsync();
            file.Dispose();
            await Assert.ThrowsAsync<ObjectDisposedException>(() => reading);
        }
    }

    [Fact]
    public void A_missing_file_is_named() =>
        Assert.Contains("nowhere.safetensors", Assert.Throws<ControlNetException>(() => SafetensorsFile.Open(_folder.File("nowhere.safetensors"))).Message, StringComparison.Ordinal);

    private void Check<T>(TensorType type, T[] values, Func<T, byte[]> bytes, params float[] expected)
    {
        var path = _folder.File("types.safetensors");
        Written.To(path, [TensorContent.FromBytes("a", type, [values.Length], values.SelectMany(bytes).ToArray())]);
        using var file = SafetensorsFile.Open(path);
        var result = new float[values.Length];
        file.CopyTo("a", result);
        Assert.Equal(expected, result);
    }

    /// <summary>Touches every byte, so that a range outside the file would show.</summary>
    private static void ReadAll(string path)
    {
        using var file = SafetensorsFile.Open(path);
        var sum = 0;
        foreach (var entry in file.Entries.Values)
        {
            foreach (var value in file.Bytes(entry.Name))
                sum += value;
            file.CopyTo(entry.Name, new float[entry.Count]);
        }

        Assert.True(sum >= 0);
    }
}
