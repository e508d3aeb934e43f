using System.Text.RegularExpressions;

namespace ControlNet.ML.Cli.Tests;

/// <summary>The table of contents of the documentation site. The site's own build checks its links.</summary>
public sealed partial class DocumentationSiteTests
{
    [Fact]
    public void Every_page_of_docs_is_in_the_table_of_contents()
    {
        var docs = Path.Combine(Fixtures.Checkout, "docs");
        var listed = Reference().Matches(File.ReadAllText(Path.Combine(docs, "toc.yml"))).Select(match => match.Groups[1].Value).Where(page => !page.StartsWith("..", StringComparison.Ordinal));
        var pages = Directory.EnumerateFiles(docs, "*.md", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(docs, file).Replace('\\', '/'))
            .Where(page => !page.StartsWith("site/", StringComparison.Ordinal));
        Assert.Equal(pages.Order(StringComparer.Ordinal), listed.Order(StringComparer.Ordinal));
    }

    [GeneratedRegex(@"href: (\S+)")]
    private static partial Regex Reference();
}
