namespace ControlNet.ML.Cli.Study.Creation;

/// <summary>The arguments of <c>study create</c>.</summary>
internal sealed record StudySettings
{
    /// <summary>Images are lettered A to Z.</summary>
    public const int MostMethods = 26;

    public required string Folder { get; init; }

    public required StudyForm Form { get; init; }

    /// <summary>The methods with the folders of their images; raters never see the names.</summary>
    public required IReadOnlyList<NamedFolder> Methods { get; init; }

    /// <summary>The folder of the conditions, or null.</summary>
    public required string? Conditions { get; init; }

    /// <summary>The table of the prompts, or null.</summary>
    public required string? Prompts { get; init; }

    public required IReadOnlyList<StudyQuestion> Questions { get; init; }

    /// <summary>The number of groups that are shown as samples; null for half of them. In the form "which" only.</summary>
    public required int? Samples { get; init; }

    public required ulong Seed { get; init; }

    /// <summary>Reads the methods of a command line.</summary>
    /// <param name="texts">NAME=FOLDER each.</param>
    /// <param name="form">The form.</param>
    /// <exception cref="UsageException">One is something else, or there are too few or too many.</exception>
    public static IReadOnlyList<NamedFolder> ParseMethods(IReadOnlyList<string> texts, StudyForm form)
    {
        List<NamedFolder> methods = [];
        foreach (var text in texts)
        {
            var added = NamedFolder.Parse("--method", text);
            if (methods.Exists(method => method.Name.Equals(added.Name, StringComparison.OrdinalIgnoreCase)))
                throw new UsageException($"--method names {Message.Name(added.Name)} twice, expected a name of its own for each method.");
            methods.Add(added);
        }

        if (form == StudyForm.Which && methods.Count != 2)
            throw new UsageException($"--form which compares 2 methods, found {methods.Count} of --method.");
        return methods.Count is >= 2 and <= MostMethods
            ? methods
            : throw new UsageException($"--method was given {methods.Count} times, expected 2 to {MostMethods} methods to compare.");
    }

    /// <summary>Reads the questions of a command line.</summary>
    /// <param name="text">Names separated by commas; null for all that can be asked.</param>
    /// <param name="form">The form.</param>
    /// <param name="hasConditions">Whether there are conditions.</param>
    /// <exception cref="UsageException">One is unknown, occurs twice, or cannot be asked.</exception>
    public static IReadOnlyList<StudyQuestion> ParseQuestions(string? text, StudyForm form, bool hasConditions)
    {
        if (form == StudyForm.Which)
            return text is null
                ? [StudyQuestion.Which]
                : throw new UsageException("--questions is for --form rank: --form which asks one question only.");
        if (text is null)
            return hasConditions ? [StudyQuestion.Quality, StudyQuestion.Fidelity] : [StudyQuestion.Quality];
        string[] names = [.. text.Split(',').Select(name => name.Trim())];
        foreach (var name in names)
        {
            if (!StudyNames.RankQuestions.Contains(name))
                throw new UsageException(
                    $"--questions has {Message.Name(name)}, expected {Message.Choices(StudyNames.RankQuestions)}, separated by commas.");
        }

        if (names.Distinct().Count() < names.Length)
            throw new UsageException($"--questions is {Message.Name(text)}, expected each question once.");
        StudyQuestion[] questions = [.. names.Select(name => StudyNames.Find<StudyQuestion>(name)!.Value)];
        return questions.Contains(StudyQuestion.Fidelity) && !hasConditions
            ? throw new UsageException("The question fidelity is about conditions: expected --condition with the folder of them.")
            : questions;
    }
}
