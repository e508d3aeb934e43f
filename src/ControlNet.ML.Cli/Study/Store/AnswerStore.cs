using System.Globalization;

namespace ControlNet.ML.Cli.Study.Store;

/// <summary>A rater, with what has been answered.</summary>
/// <param name="Number">The number, from 1: all that is exported.</param>
/// <param name="Token">The secret in the personal link.</param>
/// <param name="Makers">The methods that the rater knows as maker 1 and maker 2.</param>
/// <param name="Answered">How many questions are answered.</param>
internal sealed record Rater(int Number, string Token, IReadOnlyList<int> Makers, int Answered);

/// <summary>A question with its answer.</summary>
/// <param name="Task">The question.</param>
/// <param name="Revision">How often it has been answered; 0 for a question without an answer.</param>
/// <param name="Answered">When the answer that counts was given.</param>
/// <param name="Values">
/// The answer: for each image its rank, 1 (worst) to the number of methods; in the form "which" the method that was named.
/// </param>
internal sealed record AnsweredTask(
    StudyTask Task, int Revision, DateTimeOffset? Answered, IReadOnlyDictionary<string, int> Values);

/// <summary>The raters of a study, their questions and their answers.</summary>
internal sealed class AnswerStore(StudyDatabase database, StudyDefinition study) : IDisposable
{
    private const string RaterColumns =
        "SELECT id, token, makers, (SELECT count(*) FROM task WHERE task.rater = rater.id AND revision > 0) FROM rater";

    private const string TaskColumns = "SELECT place, image_group, question, shown, revision, answered FROM task";

    /// <summary>All raters.</summary>
    public IReadOnlyList<Rater> Raters() => database.Read(session => session.Query($"{RaterColumns} ORDER BY id", ReadRater));

    /// <summary>Adds raters, until there are as many as wanted: links, once given out, are never taken back.</summary>
    /// <param name="count">How many are wanted.</param>
    /// <param name="newToken">Draws the secret of a link.</param>
    public void EnsureRaters(int count, Func<string> newToken) => database.Write(session =>
    {
        var there = session.Query("SELECT count(*) FROM rater", row => row.GetInt32(0))[0];
        for (var rater = there + 1; rater <= count; rater++)
        {
            session.Run(
                "INSERT INTO rater VALUES ($1, $2, $3)", rater, newToken(), string.Join(' ', StudyOrder.Makers(study, rater)));
            foreach (var task in StudyOrder.Tasks(study, rater))
                session.Run(
                    "INSERT INTO task (rater, place, image_group, question, shown) VALUES ($1, $2, $3, $4, $5)",
                    rater, task.Place, task.Group, StudyNames.Of(task.Question), string.Join(' ', task.Shown));
        }
    });

    /// <summary>The rater with a personal link; null for a link that was not given out.</summary>
    public Rater? Find(string token) =>
        database.Read(session => session.Query($"{RaterColumns} WHERE token = $1", ReadRater, token)).SingleOrDefault();

    /// <summary>The first question that a rater has not answered; null if all are.</summary>
    public int? FirstOpen(int rater) => database.Read(session => session.Query(
        "SELECT min(place) FROM task WHERE rater = $1 AND revision = 0", row => row.IsDBNull(0) ? (int?)null : row.GetInt32(0), rater))[0];

    /// <summary>A question to a rater; null if there are fewer.</summary>
    public AnsweredTask? Task(int rater, int place) =>
        database.Read(session => session.Query($"{TaskColumns} WHERE rater = $1 AND place = $2", ReadTask, rater, place)
            .Select(task => task with { Values = Values(session, rater, task) }).SingleOrDefault());

    /// <summary>All questions that a rater has answered.</summary>
    public IReadOnlyList<AnsweredTask> Answered(int rater) =>
        database.Read(session => session.Query($"{TaskColumns} WHERE rater = $1 AND revision > 0 ORDER BY place", ReadTask, rater)
            .Select(task => task with { Values = Values(session, rater, task) }).ToList());

    /// <summary>Saves an answer over an earlier one.</summary>
    /// <param name="rater">The rater.</param>
    /// <param name="place">The question.</param>
    /// <param name="values">The answer, as in <see cref="AnsweredTask"/>.</param>
    /// <param name="seen">The revision that the rater saw when answering.</param>
    /// <param name="time">The time.</param>
    /// <returns>Whether it replaced an answer that the rater had not seen: one of another window with the same link.</returns>
    public bool Save(int rater, int place, IReadOnlyDictionary<string, int> values, int seen, DateTimeOffset time) => database.Write(
        session =>
        {
            var revision = session.Query(
                "UPDATE task SET revision = revision + 1, answered = $3 WHERE rater = $1 AND place = $2 RETURNING revision",
                row => row.GetInt32(0),
                rater, place, time.ToUniversalTime().ToString("O", CultureInfo.InvariantCulture))[0];
            session.Run("DELETE FROM answer WHERE rater = $1 AND place = $2", rater, place);
            foreach (var (image, value) in values)
                session.Run("INSERT INTO answer VALUES ($1, $2, $3, $4)", rater, place, image, value);
            return revision != seen + 1;
        });

    public void Dispose() => database.Dispose();

    private static Rater ReadRater(Microsoft.Data.Sqlite.SqliteDataReader row) => new(
        row.GetInt32(0),
        row.GetString(1),
        [.. row.GetString(2).Split(' ').Select(method => int.Parse(method, CultureInfo.InvariantCulture))],
        row.GetInt32(3));

    private static AnsweredTask ReadTask(Microsoft.Data.Sqlite.SqliteDataReader row) => new(
        new StudyTask(
            row.GetInt32(0), row.GetInt32(1), StudyNames.Find<StudyQuestion>(row.GetString(2))!.Value, row.GetString(3).Split(' ')),
        row.GetInt32(4),
        row.IsDBNull(5) ? null : DateTimeOffset.Parse(row.GetString(5), CultureInfo.InvariantCulture),
        new Dictionary<string, int>());

    private static Dictionary<string, int> Values(StudySession session, int rater, AnsweredTask task) => session.Query(
        "SELECT image, value FROM answer WHERE rater = $1 AND place = $2", row => (row.GetString(0), row.GetInt32(1)),
        rater, task.Task.Place).ToDictionary(pair => pair.Item1, pair => pair.Item2);
}
