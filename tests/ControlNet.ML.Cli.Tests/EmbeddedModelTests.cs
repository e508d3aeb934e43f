using ControlNet.ML.Emoji;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Cli.Tests;

/// <summary>
/// This project references the tool alone: that the model lies beside the tests shows that it follows a reference through others.
/// </summary>
public sealed class EmbeddedModelTests
{
    private static readonly string Source = Path.Combine(Fixtures.Checkout, "src", "ControlNet.ML.Emoji", "models", EmojiModel.Name);

    [Fact]
    public void The_model_lies_beside_the_application_and_is_found_by_its_name()
    {
        Assert.Equal(Path.Combine(AppContext.BaseDirectory, "models", EmojiModel.Name), ModelPackages.FindFolder("emoji"));
        Assert.Equal(ModelPackages.FindFolder("emoji"), EmojiModel.Folder);
        Assert.Contains("emoji", ModelPackages.Names);
    }

    [Fact]
    public void What_lies_there_is_the_model_as_it_is_in_the_sources()
    {
        var copies = Files(EmojiModel.Folder);

        Assert.Contains("model_index.json", copies.Keys);
        Assert.All(copies, copy => Assert.Equal(new FileInfo(Path.Combine(Source, copy.Key)).Length, copy.Value));
    }

    [Fact]
    public void Only_reference_numbers_scripts_and_images_stay_behind()
    {
        var left = Files(Source).Keys.Except(Files(EmojiModel.Folder).Keys);

        Assert.All(left, file => Assert.True(file.StartsWith("golden", StringComparison.Ordinal) || Path.GetExtension(file) is ".py" or ".png", file));
    }

    private static Dictionary<string, long> Files(string folder) =>
        new DirectoryInfo(folder)
            .EnumerateFiles("*", SearchOption.AllDirectories)
            .ToDictionary(file => Path.GetRelativePath(folder, file.FullName), file => file.Length);
}
