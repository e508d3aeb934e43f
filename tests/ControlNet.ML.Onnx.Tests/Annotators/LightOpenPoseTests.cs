using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx.Tests.Annotators;

/// <summary>Reading lightweight OpenPose's outputs: people that were drawn into heat maps and fields come back.</summary>
public class LightOpenPoseTests
{
    private const int Width = 57, Height = 32, Fields = 38, Heats = 19;

    // Between the middles of cells: two equal values are no peak.
    private const double Shift = 0.2;

    // In cells of eight pixels: a person who stands, by OpenPose's 18 keypoints.
    private static readonly (double X, double Y)[] Standing =
    [
        (0, 4), (0, 8), (-3, 8), (-5, 12), (-5, 16), (3, 8), (5, 12), (5, 16), (-2, 17), (-2, 22), (-2, 27), (2, 17), (2, 22), (2, 27), (-1, 3), (1, 3),
        (-2, 4), (2, 4),
    ];

    [Fact]
    public void Two_people_are_found_whole()
    {
        var people = Find(Person(12), Person(36));
        Assert.Equal(2, people.Count);
        foreach (var (person, x) in people.OrderBy(person => person.Points[1].X).Zip([12, 36]))
        {
            Assert.Equal(18, person.Candidate.Count);
            for (var part = 0; part < 18; part++)
            {
                // A cell's centre is at (4 cell + 1.5) of the maps that are four times as large.
                Assert.Equal((4 * (Standing[part].X + x + Shift)) + 1.5, person.Points[part].X, 1.0);
                Assert.Equal((4 * (Standing[part].Y + Shift)) + 1.5, person.Points[part].Y, 1.0);
            }
        }
    }

    [Fact]
    public void A_hidden_ear_is_missing_and_the_rest_is_found()
    {
        var points = Person(20);
        points[16] = null;
        var person = Assert.Single(Find(points));
        Assert.Equal(-1, person.Candidate.Parts[16]);
        Assert.Equal(17, person.Candidate.Parts.Count(part => part >= 0));
    }

    [Fact]
    public void Two_keypoints_are_nobody()
    {
        var points = new (double X, double Y)?[18];
        (points[2], points[3]) = ((10, 8), (10, 14));
        Assert.Empty(Find(points));
    }

    [Theory]
    [InlineData(320, 256)]
    [InlineData(456, 256)]
    [InlineData(1600, 400)]
    [InlineData(100, 900)]
    public void Keypoints_are_drawn_where_they_are_in_images_of_any_shape(int width, int height)
    {
        var annotator = new LightOpenPoseAnnotator(new PoseDrawingOptions { Style = PoseStyle.Original });
        var scale = Math.Min(256.0 / height, 456.0 / width);
        var points = new (double X, double Y)?[18];

        // A right arm in the middle of the image.
        for (var i = 0; i < 3; i++)
            points[2 + i] = ((width * scale / 16) - 0.375, (height * scale / 16) - 0.375 + (3 * (i - 1)));
        var map = annotator.Read(Outputs(points), [1, 3, 256, 456], new ImageBuffer(width, height, 3));
        Assert.Equal((width, height), (map.Width, map.Height));
        var lit = Enumerable.Range(0, width * height).Where(i => map.Samples[3 * i] + map.Samples[(3 * i) + 1] + map.Samples[(3 * i) + 2] > 0).ToList();
        Assert.Equal(width / 2.0, lit.Average(i => i % width), 6 / scale);
        Assert.Equal(height / 2.0, lit.Average(i => i / width), 6 / scale);
    }

    private static (double X, double Y)?[] Person(double x) => [.. Standing.Select(point => ((double, double)?)(point.X + x + Shift, point.Y + Shift))];

    private static List<(PoseCandidate Candidate, PosePeak[] Points)> Find(params (double X, double Y)?[][] people)
    {
        var (peaks, found) = LightOpenPoseAnnotator.Find(Outputs(people), [1, 3, 256, 456]);
        return [.. found.Select(person => (person, person.Parts.Select(part => part < 0 ? default : peaks[part]).ToArray()))];
    }

    /// <summary>The outputs of a network that has seen people: of both stages, the first blank.</summary>
    private static OnnxValue[] Outputs(params (double X, double Y)?[][] people)
    {
        var (heat, fields) = (new float[Heats * Width * Height], new float[Fields * Width * Height]);
        foreach (var person in people)
        {
            for (var part = 0; part < 18; part++)
                Spot(heat, part, person[part]);
            foreach (var (from, to, x, y) in PoseLimbs.All)
                Line(fields, x, y, person[from], person[to]);
        }

        return [Value(Heats, new float[heat.Length]), Value(Fields, new float[fields.Length]), Value(Heats, heat), Value(Fields, fields)];
    }

    private static OnnxValue Value(int channels, float[] values) =>
        new(new OnnxPort("", OnnxElement.Single, [1, channels, Height, Width]), values, []);

    private static void Spot(float[] heat, int part, (double X, double Y)? point)
    {
        if (point is not var (px, py))
            return;
        for (var i = 0; i < Width * Height; i++)
        {
            var distance = Math.Pow((i % Width) - px, 2) + Math.Pow((i / Width) - py, 2);
            ref var value = ref heat[(part * Width * Height) + i];
            value = Math.Max(value, (float)Math.Exp(-distance));
        }
    }

    private static void Line(float[] fields, int x, int y, (double X, double Y)? from, (double X, double Y)? to)
    {
        if (from is not var (fx, fy) || to is not var (tx, ty))
            return;
        var length = Math.Sqrt(Math.Pow(tx - fx, 2) + Math.Pow(ty - fy, 2));
        var (dx, dy) = ((tx - fx) / length, (ty - fy) / length);
        for (var i = 0; i < Width * Height; i++)
        {
            var (px, py) = ((i % Width) - fx, (i / Width) - fy);
            var along = (px * dx) + (py * dy);
            if (along < -1 || along > length + 1 || Math.Abs((px * dy) - (py * dx)) > 1)
                continue;
            fields[(x * Width * Height) + i] = (float)dx;
            fields[(y * Width * Height) + i] = (float)dy;
        }
    }
}
