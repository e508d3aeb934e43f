using ControlNet.ML.Evaluation;

namespace ControlNet.ML.Cli.Study;

/// <summary>A question to a rater.</summary>
/// <param name="Place">Its place among the rater's questions, from 1.</param>
/// <param name="Group">The group.</param>
/// <param name="Question">What is asked.</param>
/// <param name="Shown">The keys of the images, in the order in which they are shown.</param>
internal sealed record StudyTask(int Place, int Group, StudyQuestion Question, IReadOnlyList<string> Shown);

/// <summary>
/// The random orders of a rater: of the groups, of the images in each, and of the two makers of the form "which". They follow from the
/// study's seed and the rater's number.
/// </summary>
internal static class StudyOrder
{
    /// <summary>The questions to a rater.</summary>
    /// <param name="study">The study.</param>
    /// <param name="rater">The rater's number, from 1.</param>
    public static IReadOnlyList<StudyTask> Tasks(StudyDefinition study, int rater)
    {
        var random = Random(study, rater);
        StudyGroup[] groups = [.. study.Asked];
        var order = random.Without(groups.Length, groups.Length);

        // In the form "which", half of the images are of either method, one of each group: the second image of a group would follow from
        // the first.
        var first = study.Form == StudyForm.Which ? random.Without(groups.Length, groups.Length / 2).ToHashSet() : [];
        List<StudyTask> tasks = [];
        foreach (var place in order)
        {
            var group = groups[place];
            foreach (var question in study.Questions)
            {
                string[] shown = study.Form == StudyForm.Which
                    ? [group.Images[first.Contains(place) ? 0 : 1].Key]
                    : [.. random.Without(group.Images.Count, group.Images.Count).Select(image => group.Images[image].Key)];
                tasks.Add(new StudyTask(tasks.Count + 1, group.Id, question, shown));
            }
        }

        return tasks;
    }

    /// <summary>The methods in the order in which a rater knows them: as maker 1, maker 2.</summary>
    public static IReadOnlyList<int> Makers(StudyDefinition study, int rater) =>
        Random(study, -rater).Without(study.Methods.Count, study.Methods.Count);

    /// <summary>The groups whose images are shown as samples, drawn by the seed.</summary>
    /// <param name="groups">The number of groups.</param>
    /// <param name="samples">How many are samples.</param>
    /// <param name="seed">The study's seed.</param>
    public static IReadOnlySet<int> Samples(int groups, int samples, ulong seed) =>
        new Resampling(seed).Without(groups, samples).ToHashSet();

    /// <summary>Mixes seed and rater (SplitMix64), so that seeds next to each other give raters orders of their own.</summary>
    private static Resampling Random(StudyDefinition study, int rater)
    {
        var mixed = study.Seed + (0x9E3779B97F4A7C15 * (ulong)(long)rater);
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return new Resampling(mixed ^ (mixed >> 31));
    }
}
