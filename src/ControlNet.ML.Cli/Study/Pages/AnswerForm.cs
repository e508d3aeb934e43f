using System.Globalization;
using Microsoft.AspNetCore.Http;

namespace ControlNet.ML.Cli.Study.Pages;

/// <summary>The answers that a browser sends.</summary>
internal static class AnswerForm
{
    /// <summary>The revision that the rater saw: 0 for a question without an answer.</summary>
    public static int Revision(IFormCollection form) => Number(form["revision"]) ?? 0;

    /// <summary>The places that were chosen, 1 the best.</summary>
    /// <param name="task">The question.</param>
    /// <param name="form">What the browser sent.</param>
    /// <param name="problem">What is wrong with it, or null.</param>
    public static Dictionary<string, int> Places(StudyTask task, IFormCollection form, out string? problem)
    {
        Dictionary<string, int> places = [];
        foreach (var key in task.Shown)
        {
            if (Number(form[key]) is { } place && place >= 1 && place <= task.Shown.Count)
                places[key] = place;
        }

        var missing = task.Shown.Index().Where(pair => !places.ContainsKey(pair.Item)).Select(pair => Letter(pair.Index)).ToList();
        var twice = places.GroupBy(pair => pair.Value).Where(same => same.Count() > 1).Select(same => same.Key).Order().ToList();
        problem = missing.Count > 0 ? $"Image {string.Join(", ", missing)} has no place yet: choose one for each image."
            : twice.Count > 0 ? $"Two images have place {string.Join(", ", twice)}: give each image a place of its own."
            : null;
        return places;
    }

    /// <summary>The ranks of places and the places of ranks: place 1 is the best, and so is the highest rank.</summary>
    public static Dictionary<string, int> Turn(IReadOnlyDictionary<string, int> values, int count) =>
        values.ToDictionary(pair => pair.Key, pair => count + 1 - pair.Value);

    /// <summary>The maker that was named, 1 or 2, or null.</summary>
    public static int? Maker(IFormCollection form) => Number(form["maker"]) is { } maker and >= 1 and <= 2 ? maker : null;

    private static string Letter(int index) => ((char)('A' + index)).ToString();

    private static int? Number(string? text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
