using System.Text.Json;
using ControlNet.ML.Conditions;

namespace ControlNet.ML.Tests.Conditions;

/// <summary>The checks of poses, for the table in <see cref="ConditionParityTests"/>.</summary>
internal static class PoseChecks
{
    public static void Scene(ConditionCase c)
    {
        var all = c.Json("pose/scenes.json");
        Assert.Equal(all.GetProperty("keypoints").EnumerateArray().Select(name => name.GetString()), PoseSkeleton.Names);
        Assert.Equal(PairsOf(all.GetProperty("limbs")), PoseSkeleton.Limbs);
        Assert.Equal(ColorsOf(all.GetProperty("colours")), PoseSkeleton.Colors.Select(color => (color.R, color.G, color.B)));
        var scene = all.GetProperty("scenes").GetProperty(c.Parameter("scene").GetString()!);
        PosePerson[] people = [.. scene.GetProperty("people").EnumerateArray().Select(body => new PosePerson { Body = PointsOf(body) })];
        var style = c.Parameter("variant").GetString() switch
        {
            "v1" => PoseStyle.Original,
            "v11" => PoseStyle.V11,
            "aux" => PoseStyle.Aux,
            var other => throw new NotSupportedException($"{c.Id}: {other}"),
        };
        c.Check(PoseDrawing.Draw(people, WidthOf(scene), HeightOf(scene), new PoseDrawingOptions { Style = style }));
    }

    public static void HandsAndFace(ConditionCase c)
    {
        var scene = c.Json("pose/hands-and-face.json");
        Assert.Equal(PairsOf(scene.GetProperty("finger_edges")), PoseSkeleton.Fingers);
        Assert.Equal(ColorsOf(scene.GetProperty("finger_colours")), PoseSkeleton.FingerColors.Select(color => (color.R, color.G, color.B)));
        var person = new PosePerson
        {
            Body = PointsOf(scene.GetProperty("body")),
            LeftHand = PointsOf(scene.GetProperty("hands")[0]),
            RightHand = PointsOf(scene.GetProperty("hands")[1]),
            Face = PointsOf(scene.GetProperty("face")),
        };
        var part = c.Parameter("part").GetString();
        var options = new PoseDrawingOptions
        {
            Style = PoseStyle.Aux,
            Body = part == "full",
            Hands = part is "full" or "hands",
            Face = part is "full" or "face",
        };
        c.Check(PoseDrawing.Draw([person], WidthOf(scene), HeightOf(scene), options));
    }

    public static void CocoToBody(ConditionCase c)
    {
        var all = c.ExpectedJson();
        var scores = all.GetProperty("scores").EnumerateArray().Select(score => score.GetDouble());
        PosePoint?[] points = [.. PointsOf(all.GetProperty("keypoints")).Zip(scores, (point, score) => point!.Value with { Score = score })];
        foreach (var (expected, found) in PointsOf(all.GetProperty("result")).Zip(CocoKeypoints.ToBody(points)))
        {
            Assert.Equal(expected is null, found is null);
            Assert.Equal(expected?.X ?? 0, found?.X ?? 0, c.AbsoluteTolerance);
            Assert.Equal(expected?.Y ?? 0, found?.Y ?? 0, c.AbsoluteTolerance);
        }
    }

    private static PosePoint?[] PointsOf(JsonElement list) =>
        [.. list.EnumerateArray().Select(p => p.ValueKind == JsonValueKind.Null ? (PosePoint?)null : new PosePoint(p[0].GetDouble(), p[1].GetDouble()))];

    private static IEnumerable<(int, int)> PairsOf(JsonElement list) => list.EnumerateArray().Select(p => (p[0].GetInt32(), p[1].GetInt32()));

    private static IEnumerable<(byte, byte, byte)> ColorsOf(JsonElement list) =>
        list.EnumerateArray().Select(p => (p[0].GetByte(), p[1].GetByte(), p[2].GetByte()));

    private static int WidthOf(JsonElement scene) => scene.GetProperty("width").GetInt32();

    private static int HeightOf(JsonElement scene) => scene.GetProperty("height").GetInt32();
}
