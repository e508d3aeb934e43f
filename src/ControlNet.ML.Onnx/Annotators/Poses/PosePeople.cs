namespace ControlNet.ML.Onnx;

/// <summary>A person being assembled.</summary>
internal sealed class PoseCandidate
{
    public const int PartCount = 18;

    /// <summary>The index of the peak of each keypoint, or -1.</summary>
    public int[] Parts { get; } = [.. Enumerable.Repeat(-1, PartCount)];

    /// <summary>The number of keypoints found.</summary>
    public int Count { get; set; }

    /// <summary>The sum of the scores of peaks and links.</summary>
    public double Score { get; set; }
}

/// <summary>Assembles people, link by link.</summary>
internal static class PosePeople
{
    private const int LeastParts = 4;
    private const double LeastScore = 0.4;

    // The two limbs between shoulders and ears only confirm people.
    private const int Founding = 17;

    /// <summary>People with at least four keypoints and a sufficient score, in the order in which their limbs were found.</summary>
    public static IReadOnlyList<PoseCandidate> Assemble(IReadOnlyList<PosePeak> peaks, IReadOnlyList<IReadOnlyList<PoseLink>> links)
    {
        List<PoseCandidate> people = [];
        for (var limb = 0; limb < PoseLimbs.All.Count; limb++)
        {
            foreach (var link in links[limb])
                Add(people, limb, link, peaks);
        }

        return [.. people.Where(person => person.Count >= LeastParts && person.Score / person.Count >= LeastScore)];
    }

    private static void Add(List<PoseCandidate> people, int limb, PoseLink link, IReadOnlyList<PosePeak> peaks)
    {
        var (from, to, _, _) = PoseLimbs.All[limb];
        var known = people.Where(person => person.Parts[from] == link.From || person.Parts[to] == link.To).Take(2).ToArray();
        if (known.Length == 2 && known[0].Parts.Zip(known[1].Parts).All(pair => pair.First < 0 || pair.Second < 0))
        {
            Merge(known[0], known[1], link);
            people.Remove(known[1]);
        }
        else if (known.Length == 2 || (known.Length == 1 && known[0].Parts[to] != link.To))
        {
            known[0].Parts[to] = link.To;
            known[0].Count++;
            known[0].Score += peaks[link.To].Score + link.Score;
        }
        else if (known.Length == 0 && limb < Founding)
        {
            var person = new PoseCandidate { Count = 2, Score = peaks[link.From].Score + peaks[link.To].Score + link.Score };
            (person.Parts[from], person.Parts[to]) = (link.From, link.To);
            people.Add(person);
        }
    }

    private static void Merge(PoseCandidate person, PoseCandidate other, PoseLink link)
    {
        for (var part = 0; part < PoseCandidate.PartCount; part++)
            person.Parts[part] = Math.Max(person.Parts[part], other.Parts[part]);
        person.Count += other.Count;
        person.Score += other.Score + link.Score;
    }
}
