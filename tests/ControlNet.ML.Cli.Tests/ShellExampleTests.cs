using System.Text;
using System.Text.RegularExpressions;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Tests;

/// <summary>The shell commands of the READMEs and of docs/: the tool understands them, and the files that they name are there.</summary>
public sealed partial class ShellExampleTests
{
    public static TheoryData<string, string> Commands()
    {
        var rows = new TheoryData<string, string>();
        foreach (var file in Documents())
        {
            foreach (Match block in Bash().Matches(File.ReadAllText(file)))
            {
                // A script that is shown whole is not a list of commands.
                var text = block.Groups[1].Value;
                foreach (var line in text.StartsWith("#!", StringComparison.Ordinal) ? [] : text.Replace("\\\n", " ", StringComparison.Ordinal).Split('\n'))
                {
                    if (Words(line).Count > 0)
                        rows.Add(Path.GetRelativePath(Fixtures.Checkout, file), line.Trim());
                }
            }
        }

        return rows;
    }

    [Theory, MemberData(nameof(Commands))]
    public void A_command_is_one_that_the_tool_or_the_repository_has(string file, string line)
    {
        var words = Words(line).SkipWhile(word => Assignment().IsMatch(word)).ToList();
        if (ToolArguments(words) is { } arguments)
        {
            using var output = new StringWriter();
            using var error = new StringWriter();
            var terminal = new Terminal(output, error, null);
            var parsed = App.Parse(arguments, terminal, out _);
            RenamedOptions.Notify(parsed, terminal);
            Assert.True(CommandLineErrors.Find(parsed, arguments).Count == 0 && error.ToString().Length == 0, $"{file}: {line}: {string.Join(' ', CommandLineErrors.Find(parsed, arguments))} {error}");
        }

        foreach (var path in words.Where(word => RepositoryFile().IsMatch(word)))
            Assert.True(Path.Exists(Path.Combine(Fixtures.Checkout, path)), $"{file}: {line}: {path} does not exist");
    }

    [Fact]
    public async Task The_readmes_first_command_gives_the_image_that_it_shows()
    {
        var readme = await File.ReadAllTextAsync(Path.Combine(Fixtures.Checkout, "README.md"), TestContext.Current.CancellationToken);
        var line = Bash().Match(readme).Groups[1].Value.Split('\n')[0];
        using var tool = new Tool();
        var images = Directory.CreateDirectory(Path.Combine(tool.Folder, "docs", "images")).FullName;
        File.Copy(Path.Combine(Fixtures.Checkout, "docs", "images", "apple.png"), Path.Combine(images, "apple.png"));
        var answer = await tool.RunAsync(ToolArguments(Words(line))!);

        // On a slow machine it also reports its progress.
        Assert.Equal(App.Success, answer.Code);
        Assert.DoesNotContain("warning", answer.Error, StringComparison.Ordinal);

        // The strip shows the drawing, its edges, this image, and those of other prompts, 4 pixels apart.
        var (image, strip) = (ImageCodec.Load(Path.Combine(tool.Folder, "tangerine.png")), ImageCodec.Load(Path.Combine(Fixtures.Checkout, "docs", "images", "apple-to-fruit.png")));
        for (var y = 0; y < image.Height; y++)
        {
            var shown = strip.Row(y).Slice(2 * 132 * strip.Channels, 128 * 3).ToArray();
            Assert.All(image.Row(y).ToArray().Zip(shown), pair => Assert.InRange(pair.First - pair.Second, -2, 2));
        }
    }

    private static IEnumerable<string> Documents() =>
        new[] { "README.md", "CONTRIBUTING.md", "notebooks/README.md", "samples/README.md" }.Select(file => Path.Combine(Fixtures.Checkout, file))
            .Concat(PackageReadmeTests.Readmes())
            .Concat(Directory.EnumerateFiles(Path.Combine(Fixtures.Checkout, "docs"), "*.md", SearchOption.AllDirectories));

    /// <summary>The tool's arguments; null for another program.</summary>
    private static string[]? ToolArguments(List<string> words) => words switch
    {
        ["controlnet", .. var arguments] => [.. arguments],
        ["dotnet", "run", .. var run] when run.Contains("src/ControlNet.ML.Cli") => [.. run.SkipWhile(word => word != "--").Skip(1)],
        _ => null,
    };

    /// <summary>Splits a line as a shell does, without its comment.</summary>
    private static List<string> Words(string line)
    {
        var (words, word, quote, open) = (new List<string>(), new StringBuilder(), '\0', false);
        foreach (var c in line.Trim() + " ")
        {
            if (quote != '\0' ? c == quote : c is '"' or '\'')
            {
                (quote, open) = (quote == '\0' ? c : '\0', true);
            }
            else if (quote == '\0' && c is ' ' or '#' && quote == '\0')
            {
                if (open)
                    words.Add(word.ToString());
                word.Clear();
                if (c == '#' && !open)
                    break;
                open = false;
            }
            else
            {
                word.Append(c);
                open = true;
            }
        }

        return words;
    }

    [GeneratedRegex(@"^```bash\n(.*?)\n```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Bash();

    [GeneratedRegex(@"^[A-Z_]+=")]
    private static partial Regex Assignment();

    [GeneratedRegex(@"^(src|scripts|samples|tests|training|build|notebooks|docs)/[\w./-]+$")]
    private static partial Regex RepositoryFile();
}
