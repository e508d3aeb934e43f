using System.Text;
using ControlNet.ML.Cli;
using ControlNet.ML.Conditions;
using ControlNet.ML.Onnx;

namespace ControlNet.ML.Fuzz.Targets;

/// <summary>What conditions are made of: keypoints, layouts, networks, and how they are spelled.</summary>
internal static class ConditionTargets
{
    private static readonly string[] Words = ["people", "pose_keypoints_2d", "annotations", "images", "categories", "image_id", "category_id", "segmentation", "bbox", "keypoints", "regions", "polygon", "box", "canvas_width"];

    /// <summary>The readers.</summary>
    public static IEnumerable<Reader> All(Workplace folder)
    {
        var points = string.Join(", ", Enumerable.Range(0, 54).Select(i => i % 3 == 2 ? "1" : $"{i * 7 % 60}"));
        var coco = string.Join(", ", Enumerable.Range(0, 51).Select(i => i % 3 == 2 ? "2" : $"{i * 7 % 60}"));
        byte[][] poses =
        [
            Encoding.UTF8.GetBytes($$"""{"people":[{"pose_keypoints_2d":[{{points}}],"face_keypoints_2d":[],"hand_left_keypoints_2d":null}],"canvas_width":64,"canvas_height":64}"""),
            Encoding.UTF8.GetBytes($$"""{"images":[{"id":1,"width":64,"height":64}],"annotations":[{"image_id":1,"id":5,"num_keypoints":17,"keypoints":[{{coco}}]}]}"""),
            Encoding.UTF8.GetBytes($$"""[{"image_id":"a","keypoints":[{{coco}}],"score":0.9}]"""),
        ];
        yield return new Reader("pose", poses, input =>
        {
            var scene = PoseFile.Parse(input, "pose.json", new PoseReadOptions { Width = 64, Height = 64 });
            if (scene.Width * (long)scene.Height <= 1 << 16)
                PoseDrawing.Draw(scene.People, scene.Width, scene.Height);
        })
        { IsJson = true, Words = Words };

        byte[][] layouts =
        [
            """{"width":20,"height":10,"palette":"ade20k","background":"sky","regions":[{"label":"person","box":[1,2,3,4]},{"label":26,"polygon":[[0,0],[5,0],[5,5]]}]}"""u8.ToArray(),
            """{"images":[{"id":"7","width":20,"height":10}],"categories":[{"id":1,"name":"person"}],"annotations":[{"image_id":7,"category_id":1,"bbox":[1,1,3,3],"segmentation":[[0,0,4,0,4,4]]},{"image_id":7,"category_id":"1","bbox":[1,1,3,3]}]}"""u8.ToArray(),
        ];
        yield return new Reader("segmentation-layout", layouts, input =>
        {
            var layout = SegmentationLayoutFile.Parse(input, "layout.json");
            if (layout.Width * (long)layout.Height <= 1 << 16)
                layout.Draw();
        })
        { IsJson = true, Words = Words };

        byte[][] graphs = [.. Directory.EnumerateFiles(Workplace.FixturePath("onnx-annotators", "graphs"), "*.onnx").Order(StringComparer.Ordinal).Where(file => new FileInfo(file).Length < 1 << 16).Take(12).Select(File.ReadAllBytes)];
        yield return new Reader("onnx", graphs, input => OnnxGraph.Open(input, "x.onnx").Dispose()) { Words = ["_float32", "image", "depth"] };

        byte[][] spellings = [.. new[] { "emoji/canny:0.8:0-0.6", "C:\\nets\\x.safetensors:1e-3", "a:b:1:0.5-1", "64x48", "low=3", "High=200.5", "L2Gradient=true", "seed=1", "model=x.onnx", "1/3" }.Select(Encoding.UTF8.GetBytes)];
        yield return new Reader("spellings", spellings, input => Spellings(Encoding.UTF8.GetString(input)))
        {
            Words = [":", "-", "=", "x", "/", "e-", "0.5-", .. ConditionCatalog.All.Select(kind => kind.Name)],
            Refuses = error => error is ControlNetException or UsageException,
        };
    }

    /// <summary>Every way in which the command line reads a text; the first refusal is not the end.</summary>
    private static void Spellings(string text)
    {
        List<Exception> refused = [];
        Try(() => ControlArgument.Parse(text));
        Try(() => SizeRequest.Parse(text));
        Try(() => Cli.Scoring.Shard.Find(text, null, _ => null));
        Try(() => Cli.Scoring.Shard.Find(null, 4, name => name == "JOB_COMPLETION_INDEX" ? text : null));
        Try(() => ConditionCatalog.Find(text));
        foreach (var kind in ConditionCatalog.Managed)
            Try(() => kind.ParseOptions([text]));
        if (refused.Count > 0)
            throw refused[0];

        void Try(Action read)
        {
            try
            {
                read();
            }
            catch (Exception e) when (e is ControlNetException or UsageException)
            {
                refused.Add(e);
            }
        }
    }
}
