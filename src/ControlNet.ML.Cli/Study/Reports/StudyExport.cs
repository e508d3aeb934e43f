using ControlNet.ML.Cli.Scoring;
using ControlNet.ML.Cli.Study.Store;
using Parquet.Schema;

namespace ControlNet.ML.Cli.Study.Reports;

/// <summary>Writes the answers of a study as a table, one row for each image that a rater answered about.</summary>
internal static class StudyExport
{
    private const int RowsInGroup = 2048;

    private static readonly DataField[] Fields =
    [
        new DataField("rater", typeof(int), isNullable: true),
        new DataField("group", typeof(string), isNullable: true),
        new DataField("method", typeof(string), isNullable: true),
        new DataField("question", typeof(string), isNullable: true),
        new DataField("rank", typeof(int), isNullable: true),
        new DataField("named", typeof(string), isNullable: true),
        new DataField("shown", typeof(int), isNullable: true),
        new DataField("prompt", typeof(string), isNullable: true),
        new DataField("answered", typeof(DateTime), isNullable: true),
    ];

    /// <summary>Writes the table atomically.</summary>
    /// <param name="study">The study.</param>
    /// <param name="format">parquet or csv.</param>
    /// <param name="file">The file.</param>
    /// <param name="cancellationToken">Checked for each rater.</param>
    /// <returns>The number of rows.</returns>
    /// <exception cref="ControlNetException">It cannot be written.</exception>
    public static int Write(StudyFolder study, string format, string file, CancellationToken cancellationToken)
    {
        var rows = 0;
        AtomicFile.Write(file, stream =>
        {
            using var writer = ResultWriter.Create(format, stream, Fields, RowsInGroup);
            foreach (var rater in study.Answers.Raters())
            {
                cancellationToken.ThrowIfCancellationRequested();
                foreach (var task in study.Answers.Answered(rater.Number))
                {
                    foreach (var (shown, key) in task.Task.Shown.Index())
                    {
                        writer.Write(Row(study.Definition, rater, task, key, shown + 1));
                        rows++;
                    }
                }
            }

            writer.Finish();
        });
        return rows;
    }

    private static object?[] Row(StudyDefinition study, Rater rater, AnsweredTask task, string key, int shown)
    {
        var (group, method, _) = study.Find(key)!.Value;
        var value = task.Values[key];
        var isRank = study.Form == StudyForm.Rank;
        return
        [
            rater.Number,
            group.Name,
            study.Methods[method],
            StudyNames.Of(task.Task.Question),
            isRank ? value : null,
            isRank ? null : study.Methods[value],
            shown,
            group.Prompt,
            task.Answered?.UtcDateTime,
        ];
    }
}
