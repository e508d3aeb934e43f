using System.Security.Cryptography;
using ControlNet.ML.Cli.Study.Store;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Study.Creation;

/// <summary>Makes the folder of a study: copies of the images under random names, and the SQLite file that says what they are.</summary>
internal static class StudyCreation
{
    /// <summary>Makes the folder, which appears when it is complete.</summary>
    /// <param name="settings">What to compare.</param>
    /// <param name="clock">The time.</param>
    /// <param name="show">Live progress: title, amount done and total.</param>
    /// <param name="warn">Receives what may spoil the study.</param>
    /// <param name="cancellationToken">Checked before each image.</param>
    /// <exception cref="ControlNetException">An image is missing or damaged, or the folder exists or cannot be written.</exception>
    public static StudyDefinition Run(
        StudySettings settings,
        TimeProvider clock,
        Action<string, double, double> show,
        Action<string> warn,
        CancellationToken cancellationToken)
    {
        var sources = GroupFinder.Find(settings, cancellationToken);
        var samples = Samples(settings, sources.Count);
        StudyDefinition? study = null;
        NewFolder.Write(settings.Folder, folder =>
        {
            var images = Directory.CreateDirectory(StudyFolder.ImagesIn(folder)).FullName;
            List<StudyGroup> groups = [];
            foreach (var (i, source) in sources.Index())
            {
                groups.Add(new StudyGroup(
                    i + 1,
                    source.Name,
                    source.Prompt,
                    samples.Contains(i),
                    source.Condition is { } condition ? Copy(condition, images, cancellationToken) : null,
                    [.. source.Images.Select(file => Copy(file, images, cancellationToken))]));
                show("copying images", i + 1, sources.Count);
            }

            study = new StudyDefinition(
                StudySecrets.New(), settings.Form, settings.Questions, settings.Seed, [.. settings.Methods.Select(m => m.Name)], groups);
            using var database = StudyDatabase.Create(StudyFolder.DatabaseIn(folder));
            database.Write(session => DefinitionStore.Write(
                session, study, [.. settings.Methods.Select(m => Path.GetFullPath(m.Folder))], clock.GetUtcNow()));
        });
        foreach (var warning in Warnings(study!))
            warn(warning);
        return study!;
    }

    private static IReadOnlySet<int> Samples(StudySettings settings, int groups)
    {
        if (settings.Form != StudyForm.Which)
            return new HashSet<int>();
        if (groups < 2)
            throw new ControlNetException("There is one image of each method, expected at least two: a sample, and one to ask about.");
        var samples = settings.Samples ?? groups / 2;
        return samples < groups
            ? StudyOrder.Samples(groups, samples, settings.Seed)
            : throw new ControlNetException(
                $"--samples is {samples}, expected fewer than the {groups} images of each method: the others are asked about.");
    }

    /// <summary>
    /// Copies an image as a PNG file of its pixels alone: what else a file holds, such as the settings that it was generated with, would
    /// tell who made it.
    /// </summary>
    private static StudyImage Copy(string file, string images, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var image = ImageCodec.Load(file);
        var bytes = ImageCodec.EncodePng(image);
        var key = StudySecrets.New();
        File.WriteAllBytes(StudyFolder.CopyIn(images, key), bytes);
        return new StudyImage(key, image.Width, image.Height, Convert.ToHexStringLower(SHA256.HashData(bytes)));
    }

    private static IEnumerable<string> Warnings(StudyDefinition study)
    {
        string[] equal =
        [
            .. study.Groups.Where(group => group.Images.DistinctBy(image => image.Sha256).Count() < group.Images.Count)
                .Select(group => Message.Name(group.Name)),
        ];
        if (equal.Length > 0)
            yield return $"two methods have the same image {Message.List(equal)}: their ranks there are chance.";
        string[] unlike =
        [
            .. study.Groups.Where(group => group.Images.DistinctBy(image => (image.Width, image.Height)).Count() > 1)
                .Select(group => Message.Name(group.Name)),
        ];
        if (unlike.Length > 0)
            yield return $"the images of {Message.List(unlike)} have different sizes, which may show the raters who made them.";
    }
}
