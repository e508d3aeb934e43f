using ControlNet.ML.Text;

namespace ControlNet.ML.Tests.Text;

public class ClipVocabularyTests
{
    [Fact]
    public void The_vocabulary_of_the_library_gives_the_ids_of_the_published_files()
    {
        var published = ClipTokenizer.Load(Fixtures.Path("text", "clip"));
        var own = ClipTokenizer.Clip();
        Assert.Equal(49_408, own.VocabularySize);
        for (var id = 0; id < own.VocabularySize; id++)
            Assert.Equal(published.Decode([id]), own.Decode([id]));
        foreach (var text in (string[])["a photo of a cat", "ÄÖÜ 東京 🐱 it's 12:30", "", "<|endoftext|>!"])
            Assert.Equal(published.Encode(text), own.Encode(text));
        Assert.Equal(0, ClipTokenizer.Clip(new ClipTokenizerOptions { PadToken = "!" }).PadTokenId);
    }
}
