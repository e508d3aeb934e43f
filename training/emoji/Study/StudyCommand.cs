using System.CommandLine;
using System.Text;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.EmojiTraining.Study;

/// <summary><c>study</c>: writes the study's tables into the documentation, and its images.</summary>
internal static class StudyCommand
{
    /// <summary>What encloses the tables in the page.</summary>
    public const string Begin = "<!-- Written by scripts/study.sh. -->", End = "<!-- The end of what scripts/study.sh writes. -->";

    public static Command Create()
    {
        var work = new Argument<string>("work") { Description = "The study's folder." };
        var page = new Option<string>("--page") { Description = $"Markdown file with the lines \"{Begin}\" and \"{End}\", between which the tables are written.", Required = true };
        var sheet = new Option<string>("--sheet") { Description = "PNG file to write.", Required = true };
        var rows = new Option<int[]>("--rows") { Description = "Rows on the sheet.", AllowMultipleArgumentsPerToken = true, Required = true };
        var command = new Command("study", "Write the study's tables into a page, and a sheet of images.") { work, page, sheet, rows };
        command.SetAction(result =>
        {
            var report = new StudyReport(result.GetValue(work)!);
            var text = Replace(File.ReadAllText(result.GetValue(page)!), report.Tables(), result.GetValue(page)!);
            ImageCodec.SavePng(result.GetValue(sheet)!, report.Sheet(result.GetValue(rows)!));
            AtomicFile.Write(result.GetValue(page)!, stream => stream.Write(Encoding.UTF8.GetBytes(text)));
            return 0;
        });
        return command;
    }

    /// <summary>Replaces what is between the two lines.</summary>
    /// <exception cref="ControlNetException">A line is missing.</exception>
    internal static string Replace(string page, string tables, string where)
    {
        var begin = page.IndexOf(Begin, StringComparison.Ordinal);
        var end = page.IndexOf(End, StringComparison.Ordinal);
        return begin < 0 || end < begin
            ? throw new ControlNetException($"{where}: expected a line \"{Begin}\", and after it \"{End}\".")
            : $"{page[..begin]}{Begin}\n\n{tables}\n\n{page[end..]}";
    }
}
