using System.Buffers;
using System.Text.Json;

namespace ControlNet.ML.Conditions;

/// <summary>OpenPose's keypoint files.</summary>
internal static class OpenPoseJson
{
    private const string BodyKey = "pose_keypoints_2d";
    private const string FaceKey = "face_keypoints_2d";
    private const string LeftHandKey = "hand_left_keypoints_2d";
    private const string RightHandKey = "hand_right_keypoints_2d";
    private const string WidthKey = "canvas_width";
    private const string HeightKey = "canvas_height";

    // Indices of the 18 keypoints in BODY_25, which has the mid-hip after the arms and six keypoints of the feet at the end.
    private static readonly int[] OfBody25 = [0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18];

    public static PoseScene Read(PoseJson file)
    {
        var (width, height) = file.Size(file.Root, WidthKey, HeightKey);
        var list = file.Root.GetProperty("people");
        if (list.ValueKind == JsonValueKind.Array && list.GetArrayLength() > PoseFile.MaxPeople)
            throw file.Error($"'people' has {list.GetArrayLength():N0} members, expected at most {PoseFile.MaxPeople:N0}.");
        PosePerson[] people = [.. file.List(list, "people").Select((person, i) => Person(file, person, $"person {i + 1}"))];
        return new PoseScene(
            width,
            height,
            InFractions(people) ? people : [.. people.Select(person => Each(person, points => points.ToFractions(width, height)))]);
    }

    public static byte[] Write(PoseScene scene)
    {
        PosePerson[] people = [.. scene.People.Select(person => Each(person, points => points.ToPixels(scene.Width, scene.Height)))];
        var written = InFractions(people) ? scene.People : people;
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteStartArray("people");
            foreach (var person in written)
            {
                json.WriteStartObject();
                WritePoints(json, BodyKey, person.Body);
                WritePoints(json, FaceKey, person.Face);
                WritePoints(json, LeftHandKey, person.LeftHand);
                WritePoints(json, RightHandKey, person.RightHand);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteNumber(WidthKey, scene.Width);
            json.WriteNumber(HeightKey, scene.Height);
            json.WriteEndObject();
        }

        return [.. buffer.WrittenSpan, (byte)'\n'];
    }

    private static PosePerson Person(PoseJson file, JsonElement person, string name)
    {
        var body = file.Points(person, BodyKey, name, PoseSkeleton.BodyPoints, 25) ?? new PosePoint?[PoseSkeleton.BodyPoints];
        return new PosePerson
        {
            Body = body.Length == PoseSkeleton.BodyPoints ? body : [.. OfBody25.Select(i => body[i])],
            Face = file.Points(person, FaceKey, name, PoseSkeleton.FacePoints, PoseSkeleton.FaceAndPupilPoints),
            LeftHand = file.Points(person, LeftHandKey, name, PoseSkeleton.HandPoints),
            RightHand = file.Points(person, RightHandKey, name, PoseSkeleton.HandPoints),
        };
    }

    /// <summary>Whether a file's coordinates are fractions: none is above 1. In pixels that would be a skeleton within one pixel.</summary>
    private static bool InFractions(IEnumerable<PosePerson> people) =>
        people.SelectMany(person => person.Body.Concat(person.Face ?? []).Concat(person.LeftHand ?? []).Concat(person.RightHand ?? []))
            .All(point => point is not { } p || (Math.Abs(p.X) <= 1 && Math.Abs(p.Y) <= 1));

    private static PosePerson Each(PosePerson person, Func<IReadOnlyList<PosePoint?>, PosePoint?[]> change) => new()
    {
        Body = change(person.Body),
        Face = person.Face is { } face ? change(face) : null,
        LeftHand = person.LeftHand is { } left ? change(left) : null,
        RightHand = person.RightHand is { } right ? change(right) : null,
    };

    // A missing part is an empty list, as OpenPose writes it.
    private static void WritePoints(Utf8JsonWriter json, string key, IReadOnlyList<PosePoint?>? points)
    {
        json.WriteStartArray(key);
        foreach (var point in points ?? [])
        {
            var (x, y, score) = point ?? default;
            json.WriteNumberValue(x);
            json.WriteNumberValue(y);
            json.WriteNumberValue(score);
        }

        json.WriteEndArray();
    }
}
