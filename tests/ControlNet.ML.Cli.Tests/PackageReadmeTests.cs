using System.Text.RegularExpressions;

namespace ControlNet.ML.Cli.Tests;

/// <summary>The packages' readmes are shown on nuget.org, where a link into the repository works only if it is absolute.</summary>
public sealed partial class PackageReadmeTests
{
    private const string Repository = "https://github.com/controlnet-ml/controlnet-ml/blob/main/";

    public static IEnumerable<string> Readmes() => Directory.EnumerateDirectories(Path.Combine(Fixtures.Checkout, "src"))
        .Select(folder => Path.Combine(folder, "README.md")).Where(File.Exists).Order(StringComparer.Ordinal);

    public static TheoryData<string> Files() => [.. Readmes().Select(file => Path.GetRelativePath(Fixtures.Checkout, file))];

    [Fact]
    public void Each_package_has_a_readme_of_its_own() =>
        Assert.Equal(Directory.GetFiles(Path.Combine(Fixtures.Checkout, "src"), "*.csproj", SearchOption.AllDirectories).Length, Readmes().Select(File.ReadAllText).Distinct().Count());

    [Theory, MemberData(nameof(Files))]
    public void Links_are_absolute_and_lead_to_what_is_there(string file)
    {
        foreach (var link in Link().Matches(File.ReadAllText(Path.Combine(Fixtures.Checkout, file))).Select(match => match.Groups[1].Value))
        {
            Assert.StartsWith("https://", link, StringComparison.Ordinal);
            if (!link.StartsWith(Repository, StringComparison.Ordinal))
                continue;
            var parts = link[Repository.Length..].Split('#');
            var target = Path.Combine(Fixtures.Checkout, parts[0]);
            Assert.True(File.Exists(target), $"{link}: no such file");
            if (parts.Length > 1)
                Assert.Contains(parts[1], File.ReadLines(target).Where(line => line.StartsWith('#')).Select(line => line.TrimStart('#', ' ').ToLowerInvariant().Replace(' ', '-')));
        }
    }

    [GeneratedRegex(@"\]\(([^)]+)\)")]
    private static partial Regex Link();
}
