using ControlNet.ML.Conditions;
using ControlNet.ML.Evaluation;

namespace ControlNet.ML.Cli.Evaluating;

/// <summary>Compares the people of two images, who come in no order.</summary>
internal static class PoseMatch
{
    /// <summary>
    /// The accuracy of body keypoints: each expected person is matched with the found one who fits best and is still free.
    /// </summary>
    public static KeypointAccuracy Compute(IReadOnlyList<PosePerson> expected, IReadOnlyList<PosePerson> found)
    {
        var pairs =
            from e in Enumerable.Range(0, expected.Count)
            from f in Enumerable.Range(0, found.Count)
            let accuracy = KeypointAccuracy.Compute(Points(expected[e]), Points(found[f]))
            orderby accuracy.Found descending
            select (Expected: e, Person: f, Points: accuracy.Found);
        var sum = expected.Aggregate(default(KeypointAccuracy), (all, person) =>
            all + new KeypointAccuracy(0, person.Body.Count(point => point is not null)));
        HashSet<int> matched = [], taken = [];
        foreach (var (person, other, points) in pairs)
        {
            if (matched.Contains(person) || taken.Contains(other))
                continue;
            matched.Add(person);
            taken.Add(other);
            sum += new KeypointAccuracy(points, 0);
        }

        return sum;
    }

    /// <summary>The people of a scene on an image of another size.</summary>
    public static IReadOnlyList<PosePerson> Scale(PoseScene scene, int width, int height)
    {
        var (across, down) = ((double)width / scene.Width, (double)height / scene.Height);
        return [.. scene.People.Select(person => person with
        {
            Body = [.. person.Body.Select(point => point is { } p ? p with { X = p.X * across, Y = p.Y * down } : (PosePoint?)null)],
        })];
    }

    private static List<(double X, double Y)?> Points(PosePerson person) =>
        [.. person.Body.Select(point => point is { } p ? (p.X, p.Y) : ((double, double)?)null)];
}
