using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace ControlNet.ML.Cli.Tests;

/// <summary>
/// Public members of the libraries say what they return and what they throw themselves. The compiler asks only for a summary.
/// </summary>
public sealed class DocumentedMembersTests
{
    // Null for a parameter that is not nullable is a mistake that the compiler reports already.
    private static readonly string[] Understood = ["ArgumentNullException", "ThrowIfNull", "ThrowIfNullOrEmpty", "ThrowIfNullOrWhiteSpace"];

    public static TheoryData<string> Libraries() => ["ControlNet.ML", "ControlNet.ML.Torch", "ControlNet.ML.Onnx", "ControlNet.ML.Emoji"];

    [Theory, MemberData(nameof(Libraries))]
    public void Members_say_what_they_return(string library) =>
        Assert.Empty(Members(library).Where(member => Returns(member.Member) && !member.Comment.Contains("<returns>", StringComparison.Ordinal)).Select(member => member.Name));

    [Theory, MemberData(nameof(Libraries))]
    public void Members_say_what_they_throw(string library) =>
        Assert.Empty(Members(library).SelectMany(member => Thrown(member.Member)
            .Where(type => !Covers(member.Comment, type)).Distinct().Select(type => $"{member.Name}: {type}")));

    private static IEnumerable<(MemberDeclarationSyntax Member, string Name, string Comment)> Members(string library)
    {
        var folder = Path.Combine(Fixtures.Checkout, "src", library);
        var files = Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
            .Where(file => !Path.GetRelativePath(folder, file).StartsWith("obj", StringComparison.Ordinal) && !Path.GetRelativePath(folder, file).StartsWith("bin", StringComparison.Ordinal));
        foreach (var file in files)
        {
            var tree = CSharpSyntaxTree.ParseText(File.ReadAllText(file), new CSharpParseOptions(documentationMode: DocumentationMode.Parse));
            foreach (var member in tree.GetRoot().DescendantNodes().OfType<MemberDeclarationSyntax>().Where(member => member is BaseMethodDeclarationSyntax or BasePropertyDeclarationSyntax && IsPublic(member)))
            {
                var comment = string.Concat(member.GetLeadingTrivia().Where(trivia => trivia.HasStructure).Select(trivia => trivia.ToFullString()));
                var line = tree.GetLineSpan(member.Span).StartLinePosition.Line + 1;
                if (comment.Length > 0 && !comment.Contains("<inheritdoc", StringComparison.Ordinal))
                    yield return (member, $"{Path.GetRelativePath(folder, file)}:{line}", comment);
            }
        }
    }

    private static bool IsPublic(MemberDeclarationSyntax member)
    {
        if (!member.Ancestors().OfType<BaseTypeDeclarationSyntax>().All(type => type.Modifiers.Any(SyntaxKind.PublicKeyword)))
            return false;
        return member.Parent is InterfaceDeclarationSyntax
            || member.Modifiers.Any(SyntaxKind.PublicKeyword)
            || (member.Modifiers.Any(SyntaxKind.ProtectedKeyword) && !member.Modifiers.Any(SyntaxKind.PrivateKeyword));
    }

    private static bool Returns(MemberDeclarationSyntax member) => member is MethodDeclarationSyntax method
        && method.Identifier.Text != nameof(ToString)
        && !(method.ReturnType is PredefinedTypeSyntax type && type.Keyword.IsKind(SyntaxKind.VoidKeyword));

    /// <summary>The types of exceptions that the member's own code throws, not those of what it calls.</summary>
    private static IEnumerable<string> Thrown(MemberDeclarationSyntax member)
    {
        foreach (var node in member.DescendantNodes())
        {
            if (node is ThrowStatementSyntax { Expression: ObjectCreationExpressionSyntax created } && !Understood.Contains(created.Type.ToString()))
                yield return created.Type.ToString();
            else if (node is ThrowExpressionSyntax { Expression: ObjectCreationExpressionSyntax made } && !Understood.Contains(made.Type.ToString()))
                yield return made.Type.ToString();
            else if (node is InvocationExpressionSyntax { Expression: MemberAccessExpressionSyntax call } && call.Name.Identifier.Text.StartsWith("ThrowIf", StringComparison.Ordinal)
                && !Understood.Contains(call.Name.Identifier.Text) && call.Expression.ToString().EndsWith("Exception", StringComparison.Ordinal))
                yield return call.Expression.ToString();
        }
    }

    private static bool Covers(string comment, string type) => comment.Contains($"<exception cref=\"{type}\"", StringComparison.Ordinal)
        || (type == nameof(ArgumentOutOfRangeException) && comment.Contains($"<exception cref=\"{nameof(ArgumentException)}\"", StringComparison.Ordinal));
}
