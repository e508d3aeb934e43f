using System.IO.Compression;
using ControlNet.ML.Weights;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Weights;

/// <summary>What <c>torch.save</c> writes, read as data.</summary>
public sealed class PickleFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Broken => Fixtures.Cases([.. BrokenCases.FileNames("pickle"), .. BrokenCases.FileNames("zip")]);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Broken))]
    public void Each_file_gets_the_answer_that_it_deserves_and_none_runs(string name)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        BrokenCases.Check(BrokenCases.FileCase(name), Path.GetFileName(name), () => ReadAll(Fixtures.Path("weights", "broken", name)));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 20);
        Assert.False(File.Exists("CODE_WAS_RUN"));
    }

    [Theory]
    [InlineData(0x180)]
    [InlineData(0x280)]
    public void The_length_of_a_safetensors_header_is_not_taken_for_a_pickle(int length)
    {
        // 80 01 and 80 02 begin pickles, too.
        var metadata = new Dictionary<string, string> { ["x"] = "" };
        var path = Written.To(_folder.File("x.safetensors"), [TensorContent.FromFloats("a", new float[1], 1)], metadata);
        metadata["x"] = new string('x', length - (int)BitConverter.ToInt64(File.ReadAllBytes(path)));
        Written.To(path, [TensorContent.FromFloats("a", new float[1], 1)], metadata);
        Assert.Equal(length, BitConverter.ToInt64(File.ReadAllBytes(path)));
        using var file = TensorFile.Open(path);
        Assert.Equal(["a"], file.Entries.Keys);
    }

    [Fact]
    public void Damaged_files_are_read_or_refused_but_never_crash()
    {
        var number = 0;
        foreach (var mutant in BrokenCases.Read("mutants.json")["zip"]!.AsArray())
            Read(Convert.FromBase64String((string)mutant!["base64"]!));
        foreach (var mutant in BrokenCases.Read("mutants.json")["data_pkl"]!.AsArray())
            Read(Zip(Convert.FromBase64String((string)mutant!["base64"]!)));
        Assert.Equal(56, number);

        void Read(byte[] bytes)
        {
            number++;
            var error = Record.Exception(() => ReadAll(_folder.Write("mutant.pth", bytes)));
            Assert.True(error is null or ControlNetException, error?.ToString());
        }
    }

    [Property(MaxTest = 500)]
    public Property Any_change_of_a_pickle_is_read_or_refused()
    {
        var sound = File.ReadAllBytes(Fixtures.Path("weights", "broken", "pickle", "ok-views.pth"));
        var edit = from place in Gen.Choose(0, sound.Length - 1) from value in Gen.Choose(0, 255) select (place, value);
        return Prop.ForAll(edit.NonEmptyListOf().Where(edits => edits.Count < 6).ToArbitrary(), edits =>
        {
            var bytes = (byte[])sound.Clone();
            foreach (var (place, value) in edits)
                bytes[place] = (byte)value;
            return Record.Exception(() => ReadAll(_folder.Write("mutant.pth", bytes))) is null or ControlNetException;
        });
    }

    [Theory]
    [InlineData("ok-legacy.pth")]
    [InlineData("ok-parameter.pth")]
    [InlineData("ok-other-root.pth")]
    [InlineData("state-dict-nested.pth")]
    public void A_tensor_has_its_numbers(string name)
    {
        using var file = TensorFile.Open(Fixtures.Path("weights", "broken", "pickle", name));
        Assert.Equal([2, 2], file.Entries["w"].Shape);
        Assert.Equal([1, 2, 3, 4], Values(file, "w"));
    }

    [Fact]
    public void Views_of_one_storage_have_their_own_order()
    {
        using var file = TensorFile.Open(Fixtures.Path("weights", "broken", "pickle", "ok-views.pth"));
        Assert.Equal([1, 2, 3, 4], Values(file, "w"));
        Assert.Equal([1, 3, 2, 4], Values(file, "t"));
        Assert.Equal([3, 4], Values(file, "row"));
        Assert.Equal([2, 2, 2, 3, 3, 3], Values(file, "e"));
        Assert.Equal([0, 5], file.Entries["none"].Shape);
        Assert.Empty(Values(file, "none"));
        Assert.Equal([4], Values(file, "one"));
        file.ReleasePages(file.Entries["t"]);
        Assert.Equal([1, 3, 2, 4], Values(file, "t"));
    }

    [Fact]
    public void Every_element_type_is_read()
    {
        using var file = TensorFile.Open(Fixtures.Path("weights", "broken", "pickle", "ok-types.pth"));
        (string Name, TensorType Type)[] types =
        [
            ("HalfStorage", TensorType.F16), ("BFloat16Storage", TensorType.BF16), ("DoubleStorage", TensorType.F64), ("LongStorage", TensorType.I64),
            ("IntStorage", TensorType.I32), ("ShortStorage", TensorType.I16), ("CharStorage", TensorType.I8), ("ByteStorage", TensorType.U8), ("BoolStorage", TensorType.Bool),
        ];
        Assert.Equal(types.Length, file.Entries.Count);
        foreach (var (name, type) in types)
        {
            Assert.Equal(type, file.Entries[name].Type);
            Assert.Equal(16 / type.Size(), file.Entries[name].Count);
            if (type != TensorType.Bool)
                Assert.Equal(Enumerable.Range(0, 16).Select(i => (byte)i), file.Bytes(name).ToArray());
        }
    }

    /// <summary>Types without a storage of their own, as float8: torch writes an untyped storage, whose size is in bytes, and the type.</summary>
    [Theory]
    [InlineData("float8_e4m3fn", TensorType.F8E4M3, 1)]
    [InlineData("float8_e5m2", TensorType.F8E5M2, 1)]
    [InlineData("uint16", TensorType.U16, 2)]
    public void Tensors_of_untyped_storages_have_the_type_that_is_stated(string name, TensorType type, int size)
    {
        byte[] pickle =
        [
            0x80, 2, (byte)'}', (byte)'(', .. Text("w"), .. "ctorch._utils\n_rebuild_tensor_v3\n(("u8, .. Text("storage"),
            .. "ctorch.storage\nUntypedStorage\n"u8, .. Text("0"), .. Text("cpu"), (byte)'K', 16, .. "tQ"u8, (byte)'K', 0, (byte)'(', (byte)'K', (byte)(16 / size),
            .. "t("u8, (byte)'K', 1, (byte)'t', 0x89, .. "ccollections\nOrderedDict\n)R"u8, .. System.Text.Encoding.ASCII.GetBytes($"ctorch\n{name}\n"), .. "tRu."u8,
        ];
        using var file = TensorFile.Open(_folder.Write("untyped.pth", Zip(pickle)));
        Assert.Equal((type, 16L / size), (file.Entries["w"].Type, file.Entries["w"].Count));
        Assert.Equal(new float[] { 1, 2, 3, 4 }.SelectMany(BitConverter.GetBytes), file.Bytes("w").ToArray());

        static byte[] Text(string text) => [(byte)'X', .. BitConverter.GetBytes(text.Length), .. System.Text.Encoding.ASCII.GetBytes(text)];
    }

    [Fact]
    public void What_a_refused_file_would_have_called_is_named()
    {
        var error = Assert.Throws<ControlNetException>(() => TensorFile.Open(Fixtures.Path("weights", "broken", "pickle", "run-os-system.pth")));
        Assert.Contains("names 'os.system', which no tensor needs", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sd1.ckpt", "sd1-fp16.safetensors")]
    public void A_checkpoint_holds_the_bits_of_its_safetensors_twin(string pickled, string safe)
    {
        using var file = TensorFile.Open(Fixtures.Path("weights", pickled));
        using var twin = TensorFile.Open(Fixtures.Path("weights", safe));
        Assert.Equal("12", file.Metadata["epoch"]);
        foreach (var (name, entry) in twin.Entries.Where(entry => entry.Value.Type == TensorType.F16))
        {
            Assert.Equal(entry.Shape, file.Entries[name].Shape);
            Assert.True(twin.Bytes(name).SequenceEqual(file.Bytes(name)), name);
        }
    }

    [Fact]
    public void Where_names_and_texts_stand_in_a_file_of_nested_dictionaries()
    {
        using var file = TensorFile.Open(Fixtures.Path("adapters", "ti-string_to_param.pt"));
        Assert.Equal("my-style", file.Metadata["name"]);
        Assert.Equal(3, file.Entries["string_to_param.*"].Shape[0]);
        using var oldest = TensorFile.Open(Fixtures.Path("adapters", "ti-parameterdict.pt"));
        Assert.Equal([3, 16], oldest.Entries["string_to_param.*"].Shape);
    }

    [Fact]
    public void Copies_of_views_go_with_the_file()
    {
        var file = TensorFile.Open(Fixtures.Path("weights", "broken", "pickle", "ok-views.pth"));
        Values(file, "t");
        file.Dispose();
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => Values(file, "t"));
    }

    private static float[] Values(TensorFile file, string name)
    {
        var values = new float[file.Entries[name].Count];
        file.CopyTo(name, values);
        return values;
    }

    private static void ReadAll(string path)
    {
        using var file = TensorFile.Open(path);
        foreach (var name in file.Entries.Keys)
            Values(file, name);
    }

    /// <summary>An archive as torch writes it, with a storage of four numbers.</summary>
    private static byte[] Zip(byte[] pickle)
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            Add("archive/data.pkl", pickle);
            Add("archive/data/0", [.. new[] { 1f, 2, 3, 4 }.SelectMany(BitConverter.GetBytes)]);

            void Add(string name, byte[] bytes)
            {
                using var entry = zip.CreateEntry(name, CompressionLevel.NoCompression).Open();
                entry.Write(bytes);
            }
        }

        return stream.ToArray();
    }
}
