using System.Globalization;
using Microsoft.Data.Sqlite;

namespace ControlNet.ML.Cli.Study.Store;

/// <summary>Writes what a study compares, once, and reads it.</summary>
internal static class DefinitionStore
{
    /// <summary>The version of the schema.</summary>
    public const int Version = 1;

    /// <summary>Writes a new study.</summary>
    /// <param name="session">A transaction in a new file.</param>
    /// <param name="study">The study.</param>
    /// <param name="folders">Where the images of each method came from.</param>
    /// <param name="created">The time.</param>
    public static void Write(StudySession session, StudyDefinition study, IReadOnlyList<string> folders, DateTimeOffset created)
    {
        session.Run(
            "INSERT INTO study VALUES ($1, $2, $3, $4, $5, $6)",
            Version, study.Id, StudyNames.Of(study.Form), string.Join(',', study.Questions.Select(StudyNames.Of)),
            study.Seed.ToString(CultureInfo.InvariantCulture), created.ToString("O", CultureInfo.InvariantCulture));
        foreach (var (id, name) in study.Methods.Index())
            session.Run("INSERT INTO method VALUES ($1, $2, $3)", id, name, folders[id]);
        foreach (var group in study.Groups)
        {
            session.Run("INSERT INTO image_group VALUES ($1, $2, $3, $4)", group.Id, group.Name, group.Prompt, group.IsSample ? 1 : 0);
            if (group.Condition is { } condition)
                Insert(group, null, condition);
            foreach (var (method, image) in group.Images.Index())
                Insert(group, method, image);
        }

        void Insert(StudyGroup group, int? method, StudyImage image) => session.Run(
            "INSERT INTO image VALUES ($1, $2, $3, $4, $5, $6)",
            image.Key, group.Id, method, image.Width, image.Height, image.Sha256);
    }

    /// <summary>Reads a study.</summary>
    /// <param name="database">The open file.</param>
    /// <param name="file">Its name, for messages.</param>
    /// <exception cref="ControlNetException">It is of another version, or damaged.</exception>
    public static StudyDefinition Read(StudyDatabase database, string file)
    {
        try
        {
            return database.Read(session => Read(session, file));
        }
        catch (ControlNetException e) when (e.InnerException is SqliteException { SqliteErrorCode: MissingTable })
        {
            throw new ControlNetException($"{file}: is not a study, expected a file that 'controlnet study create' made.", e);
        }
    }

    private const int MissingTable = 1; // SQLITE_ERROR

    private static StudyDefinition Read(StudySession session, string file)
    {
        var head = session.Query(
            "SELECT version, id, form, questions, seed FROM study",
            row => (Version: row.GetInt32(0), Id: row.GetString(1), Form: row.GetString(2), Questions: row.GetString(3),
                Seed: row.GetString(4)));
        if (head is not [var study])
            throw Damaged($"it describes {head.Count} studies, expected 1");
        if (study.Version != Version)
            throw new ControlNetException($"{file}: is of version {study.Version}, expected {Version}: use the tool that created it.");
        StudyQuestion[] questions =
        [
            .. study.Questions.Split(',').Select(name => StudyNames.Find<StudyQuestion>(name) ?? throw Damaged($"the question {name}")),
        ];
        var methods = session.Query("SELECT name FROM method ORDER BY id", row => row.GetString(0));
        var images = session.Query(
            "SELECT image_group, method, key, width, height, sha256 FROM image ORDER BY image_group, method",
            row => (Group: row.GetInt32(0), IsCondition: row.IsDBNull(1),
                Image: new StudyImage(row.GetString(2), row.GetInt32(3), row.GetInt32(4), row.GetString(5))))
            .ToLookup(row => row.Group);
        var groups = session.Query(
            "SELECT id, name, prompt, is_sample FROM image_group ORDER BY id",
            row => new StudyGroup(
                row.GetInt32(0), row.GetString(1), row.IsDBNull(2) ? null : row.GetString(2), row.GetBoolean(3),
                images[row.GetInt32(0)].Where(i => i.IsCondition).Select(i => i.Image).FirstOrDefault(),
                [.. images[row.GetInt32(0)].Where(i => !i.IsCondition).Select(i => i.Image)]));
        if (groups.Find(group => group.Images.Count != methods.Count) is { } group)
            throw Damaged($"the group {Message.Name(group.Name)} has {group.Images.Count} images, expected {methods.Count}");
        if (groups.SelectMany(g => g.All).FirstOrDefault(image => !image.Key.All(char.IsAsciiLetterOrDigit)) is { } odd)
            throw Damaged($"an image has the key {Message.Name(odd.Key)}");
        return new StudyDefinition(
            study.Id,
            StudyNames.Find<StudyForm>(study.Form) ?? throw Damaged($"the form {Message.Name(study.Form)}"),
            questions,
            ulong.TryParse(study.Seed, CultureInfo.InvariantCulture, out var seed) ? seed : throw Damaged("the seed"),
            methods,
            groups);

        ControlNetException Damaged(string what) => new($"{file}: is damaged: {what}.");
    }
}
