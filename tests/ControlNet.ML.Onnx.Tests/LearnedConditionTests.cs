using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx.Tests;

/// <summary>Learned conditions as users meet them: through the catalogue, by a file's name.</summary>
public class LearnedConditionTests
{
    public static TheoryData<string, string[]> Networks => new()
    {
        { "depth_midas", ["model=midas-v21-random"] },
        { "depth_midas", ["model=dpt-hybrid-midas-random", "invert=true"] },
        { "depth_midas", ["model=depth-fp16-random"] },
        { "depth_anything", ["model=depth-anything-v1-random"] },
        { "depth_anything", ["model=depth-anything-v2-random"] },
        { "depth_anything", ["model=depth-anything-hf-random"] },
        { "softedge_hed", ["model=hed-projections-random", "resolution=128"] },
        { "softedge_hed", ["model=hed-random", "resolution=128", "style=scribble"] },
        { "softedge_pidinet", ["model=pidinet-random", "resolution=128", "style=safe"] },
        { "softedge_pidinet", ["model=pidinet-fused-random"] },
        { "lineart", ["model=lineart-random", "resolution=128"] },
        { "lineart_anime", ["model=lineart-anime-random", "resolution=128"] },
        { "normal_bae", ["model=normalbae-random", "resolution=128"] },
        { "segmentation", ["model=segformer-random"] },
        { "segmentation", ["model=oneformer-planted", "size=64"] },
        { "openpose", ["model=openpose-two"] },
        { "openpose", ["model=openpose-light-random"] },
        { "dwpose", ["model=dwpose-pose-planted", "detector=dwpose-det-planted"] },
        { "foreground", ["model=u2net-random"] },
        { "mlsd", ["network=tiny"] },
    };

    /// <summary>Settings with which a kind has a network.</summary>
    public static IEnumerable<string> SettingsOf(string kind) =>
        Networks.Select(row => row.Data).First(row => row.Item1 == kind).Item2.Select(WithPath);

    [Theory]
    [MemberData(nameof(Networks))]
    public void The_result_has_the_photo_s_size_and_is_the_same_each_time(string name, string[] settings)
    {
        var kind = ConditionCatalog.Find(name);
        Assert.True(kind.IsLearned);
        using var preprocessor = kind.Open(kind.ParseOptions(settings.Select(WithPath)));
        var photo = Photo(150, 110);
        var before = photo.Samples.ToArray();
        var condition = preprocessor.Apply(photo);
        Assert.Equal((150, 110), (condition.Width, condition.Height));
        Assert.Equal(condition.Samples, preprocessor.Apply(photo).Samples);
        Assert.Equal(before, photo.Samples);

        // Grey images and such with alpha are photos too.
        Assert.Equal((70, 90), Size(preprocessor.Apply(new ImageBuffer(70, 90, 1))));
        Assert.Equal((70, 90), Size(preprocessor.Apply(new ImageBuffer(70, 90, 4))));
    }

    [Fact]
    public void A_depth_map_of_a_metric_network_is_the_negative()
    {
        var kind = ConditionCatalog.Find("depth_midas");
        var photo = Photo(64, 64);
        var near = kind.Apply(photo, kind.ParseOptions([WithPath("model=midas-v21-random")]));
        var far = kind.Apply(photo, kind.ParseOptions([WithPath("model=midas-v21-random"), "invert=true"]));
        Assert.Equal(near.Samples, Color.Negative(far).Samples);
    }

    [Theory]
    [InlineData("depth_midas", "", "needs its network")]
    [InlineData("dwpose", "", "needs its network")]
    [InlineData("depth_midas", "model=hed-projections-random", "none of the variants")]
    [InlineData("segmentation", "model=midas-v21-random", "none of the variants")]
    [InlineData("depth_midas", "model=midas-v21-random;variant=x", "no variant 'x'")]
    [InlineData("softedge_hed", "model=hed-random;resolution=1", "expected 64 to 8,192")]
    [InlineData("mlsd", "scorethreshold=2", "expected 0 to 1")]
    [InlineData("mlsd", "model=hed-random", "expected M-LSD's")]
    [InlineData("dwpose", "model=dwpose-det-none", "expected DWPose's points")]
    [InlineData("depth_midas", "model=midas-v21-random;device=-2", "The option Device of 'depth_midas' is -2, expected at least 0")]
    [InlineData("mlsd", "providers=cpu,gpu", "no execution provider 'gpu'")]
    public void What_does_not_fit_is_named(string name, string settings, string because)
    {
        var kind = ConditionCatalog.Find(name);
        var texts = settings.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(WithPath);
        Assert.Contains(because, Assert.Throws<ControlNetException>(() => kind.Open(kind.ParseOptions(texts))).Message);
    }

    [Theory]
    [InlineData("<!doctype html><html>", "is a web page (HTML), not the file itself")]
    [InlineData("version https://git-lfs.github.com/spec/v1", "is a Git LFS pointer")]
    [InlineData("\u0010\0\0\0\0\0\0\0{\"__metadata__\":{}}", "is a safetensors file; expected an ONNX file")]
    [InlineData("PK\u0003\u0004\0\0\0\0", "is a zip archive, as torch.save writes; expected an ONNX file")]
    [InlineData("Entry not found", "is text that begins with 'Entry not found'")]
    [InlineData("\b\a", "it has no inputs or no outputs")]
    public void A_file_of_another_kind_in_place_of_a_graph_is_named(string content, string because)
    {
        using var folder = new TemporaryFolder();
        var kind = ConditionCatalog.Find("depth_midas");
        var options = kind.ParseOptions(["model=" + folder.Write("x.onnx", System.Text.Encoding.Latin1.GetBytes(content))]);
        Assert.Contains(because, Assert.Throws<ControlNetException>(() => kind.Open(options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_image_too_narrow_for_the_network_s_resolution_is_refused()
    {
        var kind = ConditionCatalog.Find("softedge_hed");
        using var hed = kind.Open(kind.ParseOptions([WithPath("model=hed-random")]));
        Assert.Contains("30000x1", Assert.Throws<ControlNetException>(() => hed.Apply(new ImageBuffer(30_000, 1, 3))).Message);
        Assert.Equal((1, 1), Size(hed.Apply(new ImageBuffer(1, 1, 3))));
    }

    [Fact]
    public void Lines_are_in_pixels_of_the_image_whatever_its_shape()
    {
        using var mlsd = Mlsd.Open(new LearnedLinesOptions { Network = LineNetwork.Tiny });
        var room = ImageCodec.Load(Fixtures.Path("conditions", "inputs", "room.png"));
        var stretched = Resize.Apply(room, 2 * room.Width, room.Height, Interpolation.Nearest);
        var (lines, wide) = (mlsd.Lines(room), mlsd.Lines(stretched));
        Assert.NotEmpty(lines);

        // The network sees nearly the same; its best lines are where they were, twice as far to the right.
        foreach (var line in lines.Take(5))
            Assert.Contains(wide, other => Math.Abs(other.X0 - (2 * line.X0)) < 6 && Math.Abs(other.X1 - (2 * line.X1)) < 6 && Math.Abs(other.Y0 - line.Y0) < 3 && Math.Abs(other.Y1 - line.Y1) < 3);
    }

    private static string WithPath(string setting) =>
        setting.Split('=') is ["model" or "detector", var name] ? $"{setting.Split('=')[0]}={Fixtures.Path("onnx-annotators", "graphs", name + ".onnx")}" : setting;

    private static (int Width, int Height) Size(ImageBuffer image) => (image.Width, image.Height);

    private static ImageBuffer Photo(int width, int height)
    {
        var image = new ImageBuffer(width, height, 3);
        for (var i = 0; i < image.Samples.Length; i++)
            image.Samples[i] = (byte)((i * 7 / 3) + (i / width));
        return image;
    }
}
