using System.Globalization;
using System.Text.Json.Serialization;

namespace ControlNet.ML.Cli.Study;

/// <summary>What the raters of a study do.</summary>
internal enum StudyForm
{
    /// <summary>They order the images of each group (paper, Table 1).</summary>
    [JsonStringEnumMemberName("rank")]
    Rank,

    /// <summary>They name the method that made an image, of two (paper, section 4.3).</summary>
    [JsonStringEnumMemberName("which")]
    Which,
}

/// <summary>What raters are asked about a group.</summary>
internal enum StudyQuestion
{
    /// <summary>How good the images look.</summary>
    [JsonStringEnumMemberName("quality")]
    Quality,

    /// <summary>How closely the images follow their condition.</summary>
    [JsonStringEnumMemberName("fidelity")]
    Fidelity,

    /// <summary>Which of two methods made an image.</summary>
    [JsonStringEnumMemberName("which")]
    Which,
}

/// <summary>The names of forms and questions: lower case, on the command line, in the study's file and in what is exported.</summary>
internal static class StudyNames
{
    public static IReadOnlyList<string> Forms { get; } = [.. Enum.GetValues<StudyForm>().Select(Of)];

    /// <summary>The questions that a rank study may ask.</summary>
    public static IReadOnlyList<string> RankQuestions { get; } = [Of(StudyQuestion.Quality), Of(StudyQuestion.Fidelity)];

    public static string Of<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();

    /// <summary>A number of things, <c>1 image</c> or <c>2 images</c>.</summary>
    public static string Count(int number, string what) =>
        string.Create(CultureInfo.InvariantCulture, $"{number:N0} {what}{(number == 1 ? "" : "s")}");

    /// <summary>The value with a name; null if none has it.</summary>
    public static T? Find<T>(string name)
        where T : struct, Enum => Enum.GetValues<T>().Where(value => Of(value) == name).Cast<T?>().FirstOrDefault();
}
