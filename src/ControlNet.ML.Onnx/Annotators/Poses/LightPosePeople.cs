using ControlNet.ML.Imaging;

namespace ControlNet.ML.Onnx;

/// <summary>Links peaks to limbs and limbs to people as lightweight OpenPose does.</summary>
internal static class LightPosePeople
{
    private const int Samples = 10;
    private const double Threshold = 0.05;
    private const int LeastParts = 3;
    private const double LeastScore = 0.2;

    // The two limbs between shoulders and ears only add a missing end.
    private const int Completing = 17;

    /// <summary>People with at least three keypoints and a sufficient score, in the order in which they were found.</summary>
    public static IReadOnlyList<PoseCandidate> Find(IReadOnlyList<PosePeak> peaks, FloatMap[] fields)
    {
        var byPart = peaks.Select((peak, index) => (peak.Part, index)).ToLookup(p => p.Part, p => p.index);
        List<PoseCandidate> people = [];
        for (var limb = 0; limb < PoseLimbs.All.Count; limb++)
        {
            var (start, end, x, y) = PoseLimbs.All[limb];
            var links = PoseLimbs.Choose(
                [.. from b in byPart[end]
                    from a in byPart[start]
                    let score = Score(peaks[a], peaks[b], fields[x], fields[y])
                    where score > 0
                    select new PoseLink(a, b, score)]);
            foreach (var link in links)
            {
                if (limb < Completing)
                    Extend(people, start, end, link, peaks);
                else
                    Complete(people, start, end, link);
            }
        }

        return [.. people.Where(person => person.Count >= LeastParts && person.Score / person.Count >= LeastScore)];
    }

    /// <summary>The mean of the samples along the line that agree; 0 if fewer than nine of ten do.</summary>
    private static double Score(PosePeak from, PosePeak to, FloatMap fieldX, FloatMap fieldY)
    {
        double dx = to.X - from.X, dy = to.Y - from.Y;
        var length = Math.Sqrt((dx * dx) + (dy * dy)) + 1e-6;
        var (sum, agreeing) = (0.0, 0);
        for (var i = 0; i < Samples; i++)
        {
            var x = (int)Math.Round(from.X + (i * dx / (Samples - 1)));
            var y = (int)Math.Round(from.Y + (i * dy / (Samples - 1)));
            var along = ((fieldX[x, y] * dx) + (fieldY[x, y] * dy)) / length;
            if (along <= Threshold)
                continue;
            sum += along;
            agreeing++;
        }

        return agreeing > 0.8 * Samples ? sum / agreeing : 0;
    }

    private static void Extend(List<PoseCandidate> people, int from, int to, PoseLink link, IReadOnlyList<PosePeak> peaks)
    {
        var isKnown = false;
        foreach (var person in people.Where(person => person.Parts[from] == link.From))
        {
            person.Parts[to] = link.To;
            person.Count++;
            person.Score += peaks[link.To].Score + link.Score;
            isKnown = true;
        }

        if (isKnown)
            return;
        var found = new PoseCandidate { Count = 2, Score = peaks[link.From].Score + peaks[link.To].Score + link.Score };
        (found.Parts[from], found.Parts[to]) = (link.From, link.To);
        people.Add(found);
    }

    private static void Complete(List<PoseCandidate> people, int from, int to, PoseLink link)
    {
        foreach (var person in people)
        {
            if (person.Parts[from] == link.From && person.Parts[to] < 0)
                person.Parts[to] = link.To;
            else if (person.Parts[to] == link.To && person.Parts[from] < 0)
                person.Parts[from] = link.From;
        }
    }
}
