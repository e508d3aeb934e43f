using System.IO.Compression;
using ControlNet.ML.Conditions;
using Microsoft.ML;

namespace ControlNet.ML.Tests.Components;

/// <summary>A saved model whose entries are damaged says which, or is the model it was.</summary>
public sealed class ComponentDamageTests
{
    private readonly MLContext _ml = new();
    private byte[]? _saved;

    public static TheoryData<string> Ours() => ["Kind", "Settings"];

    [Theory, MemberData(nameof(Ours))]
    public void A_cut_entry_is_named(string name)
    {
        var whole = Entries(Saved()).Single(entry => entry.Key.EndsWith("/" + name, StringComparison.Ordinal)).Value;
        for (var length = 0; length < whole.Length; length++)
            Assert.Contains($"/{name}' is damaged", Refusal(name, bytes => bytes[..length]), StringComparison.Ordinal);
        Assert.Contains($"/{name}' is damaged", Refusal(name, bytes => [.. bytes, 0]), StringComparison.Ordinal);
        Assert.Contains($"/{name}' is missing", Refusal(name, _ => null), StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Ours))]
    public void Any_flipped_bit_of_an_entry_is_found(string name)
    {
        var length = Entries(Saved()).Single(entry => entry.Key.EndsWith("/" + name, StringComparison.Ordinal)).Value.Length;
        for (var bit = 0; bit < length * 8; bit++)
        {
            Assert.Contains($"/{name}' is damaged", Refusal(name, bytes =>
            {
                bytes[bit / 8] ^= (byte)(1 << (bit % 8));
                return bytes;
            }), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Damage_anywhere_in_the_file_is_an_error_or_does_no_harm()
    {
        var file = Saved();
        var random = new Random(7);
        for (var i = 0; i < 200; i++)
        {
            var damaged = file.ToArray();
            var at = random.Next(damaged.Length);
            damaged[at] ^= (byte)(1 << random.Next(8));
            if (i % 4 == 0)
                damaged = damaged[..at];
            ITransformer model;
            try
            {
                model = Load(damaged);
            }
            catch (Exception error) when (error is not (OutOfMemoryException or NullReferenceException))
            {
                continue;
            }

            var data = _ml.Data.LoadFromEnumerable(Photos.Rows(1));
            Assert.Equal([(0, Pixels.Text(Canny.Apply(Photos.AsRead(0), Options)))], ConditionRows.Read(model.Transform(data)));
        }
    }

    [Theory]
    [InlineData("""{"output":"C","input":"P","condition":"depth_of_tomorrow","options":null,"component":{}}""", "There is no condition 'depth_of_tomorrow'")]
    [InlineData("""{"output":"C","input":"P","condition":"canny","options":{"low":1,"hysteresis":2},"component":{}}""", "options that 'canny' does not take")]
    [InlineData("""{"output":"C","input":"P","condition":"canny","options":{"aperture":4},"component":{}}""", "The option Aperture of 'canny' is 4, expected 3, 5 or 7.")]
    [InlineData("""{"output":"C","input":"P","condition":"canny","options":null,"component":{"batch_size":0}}""", "BatchSize is 0")]
    [InlineData("""{"output":"C","input":"P","condition":"canny","options":null,"component":{},"more":1}""", "/Settings' cannot be read")]
    [InlineData("""{"output":"C","input":"P","condition":"canny","options":null,"component":null}""", "/Settings' cannot be read")]
    [InlineData("""{"output":"C"}""", "/Settings' cannot be read")]
    [InlineData("null", "/Settings' cannot be read")]
    [InlineData("""{"output":"","input":"P","condition":"canny","options":null,"component":{}}""", "/Settings' cannot be used")]
    [InlineData("""{"output":"C","input":"P","condition":"openpose_map","options":{"regions":[null]},"component":{}}""", "/Settings' cannot be read")]
    [InlineData("[]", "/Settings' cannot be read")]
    public void Settings_that_this_version_does_not_know_are_refused(string settings, string message) =>
        Assert.Contains(message, Refusal("Settings", _ => Entry(settings)), StringComparison.Ordinal);

    [Fact]
    public void A_key_that_is_not_ours_is_named()
    {
        // ML.NET looks at the file type in it from our method, and says what it likes.
        Assert.Contains("Model.key' is not of a component of this library", Refusal("Model.key", bytes =>
        {
            var type = bytes.AsSpan().IndexOf("CTRLNET"u8);
            Assert.True(type > 0);
            bytes[type] ^= 1;
            return bytes;
        }), StringComparison.Ordinal);
    }

    [Fact]
    public void A_component_that_this_version_does_not_know_is_refused() =>
        Assert.Contains("a component named 'hologram', which this version does not know", Refusal("Kind", _ => Entry("\"hologram\"")), StringComparison.Ordinal);

    [Fact]
    public void No_more_of_an_entry_is_read_than_its_kind_may_have()
    {
        // 200 MB of spaces, which the zip holds in 0.2, whatever the entry says of its length.
        var bomb = new byte[200 << 20];
        bomb.AsSpan().Fill((byte)' ');
        Saved();
        foreach (var claim in new[] { long.MaxValue, bomb.Length - 40L, 1000 })
        {
            BitConverter.TryWriteBytes(bomb, claim);
            var message = Refusal("Settings", _ => bomb, out var zip);
            Assert.Contains(claim > 1000 ? "expected at most 4,194,304" : "more than the 1,000 bytes", message, StringComparison.Ordinal);
            Assert.InRange(zip.Length, 1, 4 << 20);
        }
    }

    private static CannyOptions Options => new() { Low = 33, High = 77 };

    private static byte[] Entry(string json)
    {
        var content = System.Text.Encoding.UTF8.GetBytes(json);
        return [.. BitConverter.GetBytes((long)content.Length), .. content, .. System.Security.Cryptography.SHA256.HashData(content)];
    }

    private byte[] Saved()
    {
        var data = _ml.Data.LoadFromEnumerable(Photos.Rows(1));
        using var file = new MemoryStream();
        _ml.Model.Save(_ml.Transforms.ControlNet().Canny("Condition", "Photo", Options).Fit(data), data.Schema, file);
        return file.ToArray();
    }

    private static ITransformer Load(byte[] file) => new MLContext().Model.Load(new MemoryStream(file), out _);

    private static Dictionary<string, byte[]> Entries(byte[] file)
    {
        using var zip = new ZipArchive(new MemoryStream(file));
        return zip.Entries.ToDictionary(entry => entry.FullName.Replace('\\', '/'), entry =>
        {
            using var stream = entry.Open();
            using var copy = new MemoryStream();
            stream.CopyTo(copy);
            return copy.ToArray();
        });
    }

    /// <summary>All messages of what loading throws when an entry is changed, or taken away by null.</summary>
    private string Refusal(string name, Func<byte[], byte[]?> change) => Refusal(name, change, out _);

    private string Refusal(string name, Func<byte[], byte[]?> change, out byte[] changed)
    {
        using var stream = new MemoryStream();
        stream.Write(_saved ??= Saved());
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Update, leaveOpen: true))
        {
            var entry = zip.Entries.Single(entry => entry.FullName.Replace('\\', '/').EndsWith("/" + name, StringComparison.Ordinal));
            var path = entry.FullName;
            byte[] bytes;
            using (var content = entry.Open())
            {
                bytes = new byte[content.Length];
                content.ReadExactly(bytes);
            }

            entry.Delete();
            if (change(bytes) is { } other)
            {
                using var content = zip.CreateEntry(path).Open();
                content.Write(other);
            }
        }

        var file = changed = stream.ToArray();
        var error = Assert.ThrowsAny<Exception>(() => Load(file));
        List<string> messages = [];
        for (Exception? inner = error; inner is not null; inner = inner.InnerException)
            messages.Add($"{inner.GetType().Name}: {inner.Message}");
        Assert.StartsWith($"{nameof(ControlNetException)}: The model's entry 'TransformerChain/", messages[^1], StringComparison.Ordinal);
        return string.Join('\n', messages);
    }
}
