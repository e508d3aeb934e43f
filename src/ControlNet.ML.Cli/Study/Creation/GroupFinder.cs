using System.Globalization;
using ControlNet.ML.Cli.Tables;

namespace ControlNet.ML.Cli.Study.Creation;

/// <summary>The files of a group.</summary>
/// <param name="Name">The name of its files, without the extension.</param>
/// <param name="Prompt">Its prompt, or null.</param>
/// <param name="Condition">The file of the condition, or null.</param>
/// <param name="Images">The files of the images, in the order of the methods.</param>
internal sealed record GroupSource(string Name, string? Prompt, string? Condition, IReadOnlyList<string> Images);

/// <summary>Finds the groups of a study: files of the same name in the folders of all methods.</summary>
internal static class GroupFinder
{
    private const string PromptColumn = "prompt";

    // As 'score' writes it, and as data sets have it.
    private static readonly string[] FileColumns = ["file", "file_name"];

    /// <summary>Finds the groups, in the order of their names.</summary>
    /// <exception cref="ControlNetException">A folder or the table cannot be read, or something of a group is missing.</exception>
    public static IReadOnlyList<GroupSource> Find(StudySettings settings, CancellationToken cancellationToken)
    {
        var methods = settings.Methods.Select(method => Images(method.Folder, $"The folder of --method {method.Name}")).ToList();
        string[] names = [.. methods.SelectMany(files => files.Keys).Distinct().Order(StringComparer.Ordinal)];
        string[] missing =
        [
            .. settings.Methods.Zip(methods)
                .Where(pair => names.Any(name => !pair.Second.ContainsKey(name)))
                .Select(pair =>
                {
                    string[] absent = [.. names.Where(name => !pair.Second.ContainsKey(name)).Select(Message.Name)];
                    return $"{Message.Name(pair.First.Folder)} of {Message.Name(pair.First.Name)} has no image {Message.List(absent)}";
                }),
        ];
        if (missing.Length > 0)
            throw new ControlNetException(
                $"{string.Join("; ", missing)}: expected images of the same names in the folders of all methods.");
        var conditions = settings.Conditions is { } folder ? Images(folder, "The folder of --condition") : null;
        RequireAll(names, conditions?.Keys, settings.Conditions, "image");
        var prompts = settings.Prompts is { } table ? Prompts(table, names, cancellationToken) : null;
        RequireAll(names, prompts?.Keys, settings.Prompts, "prompt of the image");
        return
        [
            .. names.Select(name => new GroupSource(
                name, prompts?[name], conditions?[name], [.. methods.Select(files => files[name])])),
        ];
    }

    private static void RequireAll(string[] names, IEnumerable<string>? there, string? source, string what)
    {
        if (there is null || names.Except(there).Select(Message.Name).ToList() is not { Count: > 0 } missing)
            return;
        throw new ControlNetException($"{source}: has no {what} {Message.List(missing)}, expected one for each image of the methods.");
    }

    private static IReadOnlyDictionary<string, string> Images(string folder, string what) => Directory.Exists(folder)
        ? PhotoFiles.ByName(folder)
        : throw new ControlNetException($"{what}, {Message.Name(folder)}, does not exist.");

    private static Dictionary<string, string?> Prompts(string path, string[] names, CancellationToken cancellationToken)
    {
        var table = TableReader.Open(path, null, cancellationToken);
        var columns = table.Columns.Select(column => column.Name).ToList();
        var prompt = Column([PromptColumn]);
        var file = Column(FileColumns);
        var wanted = names.ToHashSet();
        Dictionary<string, string?> prompts = [];
        foreach (var row in table.Read([file, prompt]))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (row.Problem is { } problem)
                throw new ControlNetException($"{path} row {row.Number}: {problem}.");

            // A table may be about more images; the rows of a scored table that failed have no file.
            if (Text(row.Values[0]) is not { } place || Path.GetFileNameWithoutExtension(place) is var name && !wanted.Contains(name))
                continue;
            var text = Text(row.Values[1]);
            if (!prompts.TryAdd(name, text) && prompts[name] != text)
                throw new ControlNetException($"{path} row {row.Number}: has a second prompt of {Message.Name(name)}, expected one.");
        }

        return prompts;

        int Column(string[] choices)
        {
            var found = columns.FindIndex(column => choices.Contains(column, StringComparer.OrdinalIgnoreCase));
            return found >= 0
                ? found
                : throw new ControlNetException(
                    $"{path}: has no column {Message.Choice(choices)}, expected it among {Message.List(columns)}.");
        }

        static string? Text(object? value) => Convert.ToString(value, CultureInfo.InvariantCulture) is { Length: > 0 } text ? text : null;
    }
}
