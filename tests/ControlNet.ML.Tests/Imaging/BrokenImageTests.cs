using System.Text.Json;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Tests.Imaging;

/// <summary>Damaged and hostile image files get the answer that the list beside them deserves.</summary>
[Trait("Category", "Parity")]
public class BrokenImageTests
{
    private const string Folder = "images/";

    public static TheoryData<string> Files => Fixtures.Cases(List().Select(entry => entry.GetProperty("file").GetString()!));

    [Theory]
    [MemberData(nameof(Files))]
    public void Gets_the_answer_it_deserves(string file)
    {
        Fixtures.SkipIfNothing(file, "broken images");
        var expected = List().Single(entry => entry.GetProperty("file").GetString() == file).GetProperty("expect").GetString();
        var path = Fixtures.Path("weights", "broken", file);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var failure = Record.Exception(() => ImageCodec.Load(path));
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        if (failure is not null)
        {
            var error = Assert.IsType<ControlNetException>(failure);
            Assert.StartsWith(path, error.Message, StringComparison.Ordinal);
            Assert.True(allocated < 4 << 20, $"{allocated} bytes allocated before the refusal");
        }

        if (expected != "ok-or-error")
            Assert.Equal(expected == "error", failure is not null);
    }

    private static IEnumerable<JsonElement> List()
    {
        if (!Fixtures.Has("weights", "broken", "files.json"))
            return [];
        using var document = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Path("weights", "broken", "files.json")));
        return [.. document.RootElement.Clone().EnumerateArray().Where(entry => entry.GetProperty("file").GetString()!.StartsWith(Folder, StringComparison.Ordinal))];
    }
}
