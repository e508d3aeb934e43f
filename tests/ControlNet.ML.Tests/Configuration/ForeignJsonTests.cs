using System.Text;
using ControlNet.ML.Conditions;
using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Text;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Tests.Configuration;

/// <summary>What JSON allows and no text can hold gets one message from every reader, and no exception of the framework.</summary>
public class ForeignJsonTests
{
    private const string Source = "the-file.json";

    private static readonly Dictionary<string, Action<byte[]>> Readers = new()
    {
        ["scheduler"] = json => SchedulerConfig.Parse(json, Source),
        ["unet"] = json => UNetConfig.Parse(json, Source),
        ["vae"] = json => AutoencoderConfig.Parse(json, Source),
        ["text encoder"] = json => ClipTextConfig.Parse(json, Source),
        ["control network"] = json => ControlNetConfig.Parse(json, Source),
        ["index"] = json => ModelIndex.Parse(json, Source),
        ["pose"] = json => PoseFile.Parse(json, Source),
        ["layout"] = json => SegmentationLayoutFile.Parse(json, Source),
        ["vocabulary"] = json => ClipTokenizer.Create(new MemoryStream(json), new MemoryStream("#version: 0.2\n"u8.ToArray()), source: Source),
        ["safetensors"] = json =>
        {
            using var folder = new TemporaryFolder();
            SafetensorsFile.Open(folder.Write(Source, [.. BitConverter.GetBytes((long)json.Length), .. json])).Dispose();
        },
    };

    /// <summary>Every reader, and every place of a text: a name, a value, a text within a list within an object.</summary>
    public static TheoryData<string, string> Cases()
    {
        string[] texts =
        [
            """{"_class_name": "\ud800"}""", """{"\udc00": 1}""", """{"people": [{"x": ["\ud800\u0041"]}]}""", """{"annotations": [{"id": "\udfff"}], "images": []}""",
            """{"__metadata__": {"format": "\ud800"}}""", """{"__metadata__": {"\ud800": "pt"}}""", """{"x": {"dtype": "\udead", "shape": [], "data_offsets": [0, 0]}}""",
        ];
        var cases = new TheoryData<string, string>();
        foreach (var reader in Readers.Keys)
        {
            foreach (var text in texts)
                cases.Add(reader, text);
        }

        return cases;
    }

    [Theory, MemberData(nameof(Cases))]
    public void Half_of_a_surrogate_pair_is_refused_with_the_files_name(string reader, string json)
    {
        var error = Assert.Throws<ControlNetException>(() => Readers[reader](Encoding.UTF8.GetBytes(json)));
        Assert.Contains(Source, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void A_whole_pair_is_a_text_as_any_other()
    {
        var config = SchedulerConfig.Parse("""{"_class_name": "DDIMScheduler", "\ud83d\ude00": "\ud83d\ude00"}"""u8, Source);
        Assert.Contains("'😀'", Assert.Single(config.Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void Two_backslashes_are_no_escape()
    {
        var config = SchedulerConfig.Parse("""{"_class_name": "DDIMScheduler", "_note": "\\ud800"}"""u8, Source);
        Assert.Empty(config.Warnings);
    }
}
