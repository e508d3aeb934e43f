using ControlNet.ML.Cli.Evaluating;
using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;
using ControlNet.ML.Onnx;

namespace ControlNet.ML.Cli.Tests.Evaluating;

/// <summary>What is measured of each kind of condition.</summary>
public sealed class MeasureTests
{
    [Fact]
    public void Every_kind_of_condition_has_a_measure_that_fits_it()
    {
        var measures = ConditionCatalog.All.ToDictionary(kind => kind.Name, kind => ConditionMeasures.Of(kind.Name));
        Assert.Equal(ConditionMeasure.Edges, measures["mlsd"]);
        Assert.Equal(ConditionMeasure.Pose, measures["dwpose"]);
        Assert.All(measures.Where(entry => entry.Key.StartsWith("depth_", StringComparison.Ordinal)), entry => Assert.Equal(ConditionMeasure.Depth, entry.Value));
        Assert.All(measures.Where(entry => entry.Key.StartsWith("segmentation", StringComparison.Ordinal)), entry => Assert.Equal(ConditionMeasure.Segmentation, entry.Value));
        Assert.All(
            measures.Where(entry => entry.Key.StartsWith("lineart", StringComparison.Ordinal) || entry.Key.StartsWith("softedge", StringComparison.Ordinal)),
            entry => Assert.Equal(ConditionMeasure.Edges, entry.Value));
    }

    [Fact]
    public async Task Masks_depths_and_other_images_are_compared_by_their_own_measures()
    {
        using var folder = new EvaluateFolder("prompt,condition\nx,0.png\ny,1.png\n");
        Task<Answer> As(string kind) => folder.RunAsync(settings => settings with
        {
            Annotators = [kind],
            Score = settings.Score with { Controls = ["emoji/mask"] },
            Columns = [$"same={Path.GetDirectoryName(folder.File("0.png"))}"],
        });
        File.Delete(folder.File("broken.png"));

        Assert.Equal(0, (await As("threshold")).Code);
        Assert.Equal("method,row,file,mask_iou,error", folder.Lines()[0]);
        Assert.Equal("same,0,0.png,1,", folder.Lines()[3]);
        await As("depth_map");
        Assert.Equal("method,row,file,depth_rmse,depth_correlation,error", folder.Lines()[0]);
        await As("none");
        Assert.Equal("method,row,file,ssim,error", folder.Lines()[0]);
        Assert.Equal("same,1,1.png,1,", folder.Lines()[4]);

        // The network's name says that its conditions are masks.
        Assert.Equal(0, (await folder.RunAsync(settings => settings with { Score = settings.Score with { Controls = ["emoji/mask"] } })).Code);
        Assert.Equal("method,row,file,mask_iou,error", folder.Lines()[0]);
    }

    [Theory]
    [InlineData("photo", "")]
    [InlineData("condition,keypoints", ",people.json")]
    public async Task Keypoints_are_those_of_the_photo_or_of_a_file(string columns, string keypoints)
    {
        using var folder = new EvaluateFolder($"prompt,{columns}\nx,0.png{keypoints}\n");
        var network = Fixtures.Path("onnx-annotators", "graphs", "dwpose-pose-planted.onnx");
        using (var pose = DwPose.Open(new DwPoseOptions { Model = network }))
            PoseFile.Write(folder.File("people.json"), new PoseScene(32, 32, pose.Find(ImageCodec.Load(folder.File("0.png")))));
        Directory.CreateDirectory(folder.File("same"));
        File.Copy(folder.File("0.png"), folder.File("same", "0.png"));

        var answer = await folder.RunAsync(settings => settings with
        {
            Annotators = ["dwpose"],
            AnnotatorFiles = [network],
            Score = settings.Score with { Controls = ["emoji/canny"] },
            Columns = [$"same={folder.File("same")}"],
        });

        Assert.Equal((0, ""), (answer.Code, answer.Error));
        Assert.Equal("method,row,file,pose_pck,error", folder.Lines()[0]);
        Assert.Equal("same,0,0.png,1,", folder.Lines()[2]);
    }

    [Fact]
    public async Task Classes_of_segmentations_are_counted_over_all_images()
    {
        using var folder = new EvaluateFolder("prompt,condition\nx,0.png\ny,1.png\n");
        Save("0.png", 0, 0, 1, 1);
        Save("1.png", 2, 2, 2, 2);
        Directory.CreateDirectory(folder.File("found"));
        Save("found/0.png", 0, 1, 1, 1);
        Save("found/1.png", 2, 2, 1, 1);

        await folder.RunAsync(settings => settings with
        {
            Annotators = ["segmentation_map"],
            Score = settings.Score with { Controls = ["emoji/mask"], Out = folder.File("out") },
            Columns = [$"found={folder.File("found")}"],
        });

        // wall: 1 of 2; building: 2 right, 1 + 2 wrong; sky: 2 of 4.
        var summary = EvaluationSummary.Of(folder.Out, TestContext.Current.CancellationToken).Methods[1];
        var classes = SegmentationPalette.Ade20k.Classes;
        Close.Number(1 / 2.0, summary.Classes![classes[0].Name]!.Value, 1e-12, "wall");
        Close.Number(2 / 5.0, summary.Classes[classes[1].Name]!.Value, 1e-12, "building");
        Close.Number(2 / 4.0, summary.Classes[classes[2].Name]!.Value, 1e-12, "sky");
        Assert.Null(summary.Classes[classes[3].Name]);
        var miou = summary.Metrics["seg_miou"];
        Close.Number((0.5 + 0.4 + 0.5) / 3, miou.Value, 1e-12, "mIoU");
        Close.Number(5 / 8.0, summary.Metrics["seg_accuracy"].Value, 1e-12, "accuracy");

        // Both images, or one of them twice.
        Close.Number(1 / 4.0, miou.Interval!.Value.Low, 1e-12, "the interval");
        Close.Number((0.5 + (2 / 3.0)) / 2, miou.Interval.Value.High, 1e-12, "the interval");
        Assert.Contains("| building", File.ReadAllText(Path.Combine(folder.Out, "evaluation.md")), StringComparison.OrdinalIgnoreCase);

        void Save(string file, params byte[] labels)
        {
            var map = new ImageBuffer(32, 32, 1);
            for (var i = 0; i < map.Samples.Length; i++)
                map.Samples[i] = labels[i % 32 / 8];
            ImageCodec.SavePng(folder.File(file), SegmentationPalette.Ade20k.ToColors(map));
        }
    }

    [Fact]
    public void People_are_matched_in_any_order()
    {
        var (left, right) = (Person(10, 10), Person(200, 30));
        Assert.Equal(1, PoseMatch.Compute([left, right], [right, left]).Share);
        Assert.Equal(0.5, PoseMatch.Compute([left, right], [right]).Share);
        Assert.Equal(0, PoseMatch.Compute([left], []).Share);
        Assert.Equal(0.5, PoseMatch.Compute([left, left], [left, right]).Share);
        var scaled = PoseMatch.Scale(new PoseScene(100, 50, [left]), 200, 200)[0].Body[1]!.Value;
        Assert.Equal((22, 48), (scaled.X, scaled.Y));

        static PosePerson Person(double x, double y) => new()
        {
            Body = [.. Enumerable.Range(0, 18).Select(i => (PosePoint?)new PosePoint(x + i, y + (2 * i)))],
        };
    }
}
