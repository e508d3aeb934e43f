using ControlNet.ML.Weights;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace ControlNet.ML.Tests.Weights;

public sealed class SafetensorsWriterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Property(MaxTest = 100)]
    public Property What_is_written_is_read_back()
    {
        var shape = Gen.Choose(0, 4).Select(size => (long)size).ListOf().Where(sizes => sizes.Count < 5).Select(sizes => sizes.ToArray());
        var tensor = from name in ArbMap.Default.GeneratorFor<string>().Where(name => name is not null and not "__metadata__")
                     from type in Gen.Elements(Enum.GetValues<TensorType>())
                     from sizes in shape
                     from bytes in Gen.Choose(0, 255).Select(value => (byte)value).ArrayOf((int)(type.Size() * sizes.Aggregate(1L, (a, b) => a * b)))
                     select (name, type, sizes, bytes);
        return Prop.ForAll(tensor.ListOf().ToArbitrary(), generated =>
        {
            var tensors = generated.Where(item => IsUnicode(item.name)).DistinctBy(item => item.name).ToList();
            var path = _folder.File("round.safetensors");
            Written.To(path, tensors.Select(item => TensorContent.FromBytes(item.name, item.type, item.sizes, item.bytes)));
            using var file = SafetensorsFile.Open(path);
            Assert.Equal(tensors.Count, file.Entries.Count);
            foreach (var (name, type, sizes, bytes) in tensors)
            {
                var entry = file.Entries[name];
                Assert.Equal(type, entry.Type);
                Assert.Equal(sizes, entry.Shape);
                Assert.Equal(0, entry.Offset % type.Size());
                Assert.True(file.Bytes(name).SequenceEqual(bytes));
            }
        });
    }

    [Fact]
    public void An_independent_reader_understands_it()
    {
        Written.To(_folder.File("x.safetensors"), [TensorContent.FromFloats("w", new float[] { 1, 2, 3 }, 3, 1)], new Dictionary<string, string> { ["note"] = "é🍎\"" });
        var reference = new ReferenceTensors(_folder.File("x.safetensors"));
        Assert.Equal([1, 2, 3], reference.Doubles("w"));
        Assert.Equal([3, 1], reference.Shape("w"));
        Assert.Equal(new Dictionary<string, string> { ["format"] = "pt", ["note"] = "é🍎\"" }, reference.Metadata);
    }

    [Fact]
    public void The_order_of_tensors_does_not_change_the_file()
    {
        TensorContent[] tensors = [TensorContent.FromFloats("b", new float[2], 2), TensorContent.FromFloats("a", new float[1], 1), TensorContent.FromBytes("c", TensorType.F64, [1], new byte[8])];
        Written.To(_folder.File("1"), tensors, new Dictionary<string, string> { ["x"] = "1", ["a"] = "2" });
        Written.To(_folder.File("2"), tensors.Reverse(), new Dictionary<string, string> { ["a"] = "2", ["x"] = "1" });
        Assert.Equal(File.ReadAllBytes(_folder.File("1")), File.ReadAllBytes(_folder.File("2")));
    }

    [Fact]
    public void A_failure_leaves_the_old_file_and_nothing_else()
    {
        var path = _folder.Write("x.safetensors", [1, 2, 3]);
        Assert.Throws<ArgumentException>(() => Written.To(path, [new TensorContent("a", TensorType.F32, [2], stream => stream.Write(new byte[7]))]));
        Assert.Throws<InvalidOperationException>(() => Written.To(path, [new TensorContent("a", TensorType.F32, [2], _ => throw new InvalidOperationException())]));
        Assert.Throws<OperationCanceledException>(() => SafetensorsWriter.Write(path, [TensorContent.FromFloats("a", new float[1], 1)], null, new CancellationToken(true)));
        Assert.Equal([1, 2, 3], File.ReadAllBytes(path));
        Assert.Equal([path], Directory.EnumerateFiles(_folder.Path));
    }

    [Fact]
    public void What_cannot_be_written_is_refused()
    {
        Assert.Throws<ArgumentException>(() => TensorContent.FromFloats("__metadata__", new float[1], 1));
        Assert.Throws<ArgumentException>(() => TensorContent.FromFloats("\ud800", new float[1], 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => TensorContent.FromFloats("a", new float[1], -1));
        var twice = new[] { TensorContent.FromFloats("a", new float[1], 1), TensorContent.FromFloats("a", new float[1], 1) };
        Assert.Throws<ArgumentException>(() => Written.To(_folder.File("x"), twice));
        Assert.Throws<ControlNetException>(() => Written.To(_folder.File("no", "such", "folder"), []));
    }

    private static bool IsUnicode(string text) => !text.EnumerateRunes().Any(rune => rune.Value == 0xfffd);
}
