using ControlNet.ML.Hub;

namespace ControlNet.ML.Tests.Hub;

public sealed class HubIdTests
{
    [Theory]
    [InlineData("lllyasviel/sd-controlnet-canny", "lllyasviel", "sd-controlnet-canny", "main", "")]
    [InlineData("a/b_c.d@v1.5", "a", "b_c.d", "v1.5", "")]
    [InlineData("a/b@refs/pr/3:unet", "a", "b", "refs/pr/3", "unet")]
    [InlineData("a/b:folder/x.safetensors", "a", "b", "main", "folder/x.safetensors")]
    [InlineData("a/b:folder/", "a", "b", "main", "folder")]
    public void An_id_has_an_owner_a_name_a_revision_and_a_path(string text, string owner, string name, string revision, string path)
    {
        var id = HubId.Parse(text);
        Assert.Equal((owner, name, revision, path), (id.Owner, id.Name, id.Revision, id.Path));
        Assert.Equal(id, HubId.Parse(id.ToString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("emoji")]
    [InlineData("a/b/c")]
    [InlineData("/a/b")]
    [InlineData("./a")]
    [InlineData("../b")]
    [InlineData("a/..")]
    [InlineData("a/b--c")]
    [InlineData("a/b.git")]
    [InlineData("a/b@")]
    [InlineData("a/b@../x")]
    [InlineData("a/b@x//y")]
    [InlineData("a/b:../../x")]
    [InlineData("a/b:/etc")]
    [InlineData("a/b:x\\..\\y")]
    [InlineData("C:/models")]
    [InlineData("a b/c")]
    [InlineData("ä/b")]
    [InlineData("a/b\n")]
    public void Other_texts_are_none(string text)
    {
        Assert.False(HubId.TryParse(text, out _));
        Assert.Contains("expected owner/name", Assert.Throws<ControlNetException>(() => HubId.Parse(text)).Message, StringComparison.Ordinal);
    }
}
