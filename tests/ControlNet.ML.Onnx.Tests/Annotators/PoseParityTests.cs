using System.Text.Json;
using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx.Tests.Annotators;

/// <summary>Pose networks whose outputs are those of a network that has seen known people: the people have to come back.</summary>
[Trait("Category", "Parity")]
public class PoseParityTests
{
    private static readonly string[] Known = ["openpose", "openpose-light", "dwpose-det", "dwpose"];

    public static TheoryData<string> Cases => Fixtures.Cases(AnnotatorCase.All.Where(c => Known.Contains(c.Annotator)).Select(c => c.Id));

    [Theory]
    [MemberData(nameof(Cases))]
    public void Equals_the_reference(string id)
    {
        Fixtures.SkipIfNothing(id, "pose annotators");
        var found = AnnotatorCase.Find(id);
        var image = Color.Rgb(found.Image);
        using var graph = OnnxGraph.Open(found.Graph);
        switch (found.Annotator)
        {
            case "openpose": OpenPose(found, graph, image); break;
            case "openpose-light": Light(found, graph, image); break;
            case "dwpose-det": Detector(found, graph, image); break;
            default: Points(found, graph, image); break;
        }
    }

    private static void OpenPose(AnnotatorCase c, OnnxGraph graph, ImageBuffer image)
    {
        var port = graph.Signature.Inputs[0];
        foreach (var (style, name) in new[] { (PoseStyle.Aux, "aux"), (PoseStyle.Original, "v10") })
        {
            var annotator = new OpenPoseAnnotator(new PoseDrawingOptions { Style = style });
            Assert.True(annotator.Fits(graph.Signature));
            var pixels = annotator.Prepare(image, port);
            var outputs = graph.Run(pixels);
            if (style == PoseStyle.Aux)
            {
                c.CheckInput(port.Name, pixels.Values, pixels.Shape);
                foreach (var output in outputs)
                    c.CheckOutput(output);
            }

            if (!c.Maps.Contains(name))
                continue;
            var (peaks, people) = annotator.Find(outputs, pixels.Shape, image);
            CheckPeaks(c.Data.GetProperty(name).GetProperty("peaks"), peaks);
            CheckPeople(c.Data.GetProperty(name).GetProperty("people"), people);
            c.CheckMap(name, annotator.Read(outputs, pixels.Shape, image));
            if (c.Known is { } known)
                CheckKnown(known, peaks, people);
        }
    }

    /// <summary>The case has no people: what goes in and comes out.</summary>
    private static void Light(AnnotatorCase c, OnnxGraph graph, ImageBuffer image)
    {
        var annotator = new LightOpenPoseAnnotator(new PoseDrawingOptions());
        Assert.True(annotator.Fits(graph.Signature));
        Assert.False(new OpenPoseAnnotator(new PoseDrawingOptions()).Fits(graph.Signature));
        var port = graph.Signature.Inputs[0];
        var pixels = annotator.Prepare(image, port);
        c.CheckInput(port.Name, pixels.Values, pixels.Shape);
        var outputs = graph.Run(pixels);
        foreach (var output in outputs)
            c.CheckOutput(output);
        var map = annotator.Read(outputs, pixels.Shape, image);
        Assert.Equal((image.Width, image.Height), (map.Width, map.Height));
    }

    private static void CheckPeaks(JsonElement expected, IReadOnlyList<PosePeak> peaks)
    {
        Assert.Equal(expected.GetArrayLength(), peaks.Count);
        foreach (var (peak, wanted) in peaks.Zip(expected.EnumerateArray()))
        {
            Assert.InRange(Math.Abs(peak.X - wanted[0].GetInt32()), 0, 1);
            Assert.InRange(Math.Abs(peak.Y - wanted[1].GetInt32()), 0, 1);
            Assert.Equal(wanted[2].GetDouble(), peak.Score, 0.005);
        }
    }

    private static void CheckPeople(JsonElement expected, IReadOnlyList<PoseCandidate> people)
    {
        Assert.Equal(expected.GetArrayLength(), people.Count);
        foreach (var (person, wanted) in people.Zip(expected.EnumerateArray()))
        {
            Assert.Equal(wanted.GetProperty("parts").EnumerateArray().Select(e => e.GetInt32()), person.Parts);
            Assert.Equal(wanted.GetProperty("count").GetInt32(), person.Count);
            Assert.Equal(wanted.GetProperty("score").GetDouble(), person.Score, 0.1);
        }
    }

    /// <summary>Every planted person is found once, in any order.</summary>
    private static void CheckKnown(JsonElement known, IReadOnlyList<PosePeak> peaks, IReadOnlyList<PoseCandidate> people)
    {
        var within = known.GetProperty("within").GetDouble();
        var left = people.ToList();
        foreach (var planted in known.GetProperty("people").EnumerateArray())
        {
            var found = left.Find(person => planted.EnumerateArray().Select((point, part) => (point, part)).All(p =>
                p.point.ValueKind == JsonValueKind.Null
                    ? person.Parts[p.part] < 0
                    : person.Parts[p.part] is >= 0 and var peak
                        && Close.IsWithin(p.point[0].GetDouble(), peaks[peak].X, within) && Close.IsWithin(p.point[1].GetDouble(), peaks[peak].Y, within)));
            Assert.NotNull(found);
            left.Remove(found);
        }

        Assert.Empty(left);
    }

    private static void Detector(AnnotatorCase c, OnnxGraph graph, ImageBuffer image)
    {
        Assert.True(PersonDetector.Fits(graph.Signature));
        var port = graph.Signature.Inputs[0];
        var pixels = PersonDetector.Prepare(image, port);
        c.CheckInput(port.Name, pixels.Values, pixels.Shape);
        var output = graph.Run(pixels)[0];
        c.CheckOutput(output);
        if (c.Known is null)
            return;
        var boxes = PersonDetector.Read(output, image, port);
        var expected = c.Data.GetProperty("boxes").EnumerateArray().ToArray();
        Assert.Equal(expected.Length, boxes.Count);
        foreach (var (box, wanted) in boxes.Zip(expected))
        {
            foreach (var (edge, value) in new[] { box.Left, box.Top, box.Right, box.Bottom }.Zip(wanted.EnumerateArray()))
                Assert.Equal(value.GetDouble(), edge, 0.05);
        }
    }

    private static void Points(AnnotatorCase c, OnnxGraph graph, ImageBuffer image)
    {
        Assert.True(WholeBody.Fits(graph.Signature));
        var port = graph.Signature.Inputs[0];
        var options = new DwPoseOptions
        {
            Model = c.Graph,
            Detector = c.Parameter("detector") is { } detector ? AnnotatorCase.File(detector.GetString()!) : "",
            Style = PoseStyle.V11,
        };
        using var pose = DwPose.Open(options);
        var boxes = pose.Boxes(image);
        var pixels = WholeBody.Prepare(image, boxes[0], port);
        c.CheckInput(port.Name, pixels.Values, pixels.Shape);
        if (!c.Maps.Any())
        {
            foreach (var output in graph.Run(pixels))
                c.CheckOutput(output);
            return;
        }

        c.CheckMap("map", pose.Apply(image));
        CheckPoints(c.Data, [.. boxes.Select(box => pose.Points(image, box))]);
    }

    private static void CheckPoints(JsonElement data, IReadOnlyList<(double X, double Y, double Score)>[] people)
    {
        // The reference lists OpenPose's order: 18 of the body with the neck, 6 of the feet, then face and hands.
        int[] body = [0, -1, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3];
        var (points, scores) = (data.GetProperty("keypoints"), data.GetProperty("scores"));
        Assert.Equal(points.GetArrayLength(), people.Length);
        for (var person = 0; person < people.Length; person++)
        {
            for (var i = 0; i < WholeBody.Points + 1; i++)
            {
                var at = i < body.Length ? body[i] : i - 1;
                if (at < 0)
                    continue;
                var found = people[person][at];
                Assert.Equal(points[person][i][0].GetDouble(), found.X, 0.1);
                Assert.Equal(points[person][i][1].GetDouble(), found.Y, 0.1);
                Assert.Equal(scores[person][i].GetDouble(), found.Score, 0.001);
            }
        }
    }
}
