namespace ControlNet.ML.Cli.Study;

/// <summary>An image of a study. Its name says nothing of the method that made it.</summary>
/// <param name="Key">Random letters: the name of the copy in the study's folder, and in the addresses of the pages.</param>
/// <param name="Width">Width in pixels.</param>
/// <param name="Height">Height in pixels.</param>
/// <param name="Sha256">SHA-256 of the copy, in hexadecimal digits.</param>
internal sealed record StudyImage(string Key, int Width, int Height, string Sha256);

/// <summary>Images that belong together: one of each method.</summary>
/// <param name="Id">Its number, from 1.</param>
/// <param name="Name">The name of its files, without the extension.</param>
/// <param name="Prompt">The prompt that is shown to the raters, or null.</param>
/// <param name="IsSample">Whether it is shown as a sample of the two methods rather than asked about; in the form "which" only.</param>
/// <param name="Condition">The condition that the images were made from, or null.</param>
/// <param name="Images">The images, in the order of the methods.</param>
internal sealed record StudyGroup(
    int Id, string Name, string? Prompt, bool IsSample, StudyImage? Condition, IReadOnlyList<StudyImage> Images)
{
    /// <summary>All images, the condition included.</summary>
    public IEnumerable<StudyImage> All => Condition is null ? Images : Images.Prepend(Condition);
}

/// <summary>A study: what is compared, and how. It never changes once it has been created.</summary>
/// <param name="Id">Random letters, which tell it from any other study.</param>
/// <param name="Form">What the raters do.</param>
/// <param name="Questions">What they are asked about each group, in this order.</param>
/// <param name="Seed">The seed of every random order.</param>
/// <param name="Methods">The names of the methods.</param>
/// <param name="Groups">The groups.</param>
internal sealed record StudyDefinition(
    string Id,
    StudyForm Form,
    IReadOnlyList<StudyQuestion> Questions,
    ulong Seed,
    IReadOnlyList<string> Methods,
    IReadOnlyList<StudyGroup> Groups)
{
    /// <summary>The groups that raters are asked about.</summary>
    public IEnumerable<StudyGroup> Asked => Groups.Where(group => !group.IsSample);

    /// <summary>The groups that are shown as samples.</summary>
    public IEnumerable<StudyGroup> Samples => Groups.Where(group => group.IsSample);

    /// <summary>The number of questions to each rater.</summary>
    public int TaskCount => Asked.Count() * Questions.Count;

    /// <summary>The group, the method (-1 for a condition) and the image with a key; null if there is none.</summary>
    public (StudyGroup Group, int Method, StudyImage Image)? Find(string key)
    {
        foreach (var group in Groups)
        {
            for (var method = group.Condition is null ? 0 : -1; method < group.Images.Count; method++)
            {
                var image = method < 0 ? group.Condition! : group.Images[method];
                if (image.Key == key)
                    return (group, method, image);
            }
        }

        return null;
    }
}
