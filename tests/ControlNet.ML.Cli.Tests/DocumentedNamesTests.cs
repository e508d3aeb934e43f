using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace ControlNet.ML.Cli.Tests;

/// <summary>Docs and comments tell users to call what they can call: of ML.NET, no member that it keeps to itself.</summary>
public sealed partial class DocumentedNamesTests
{
    private const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.FlattenHierarchy;

    private static readonly ILookup<string, Type> Types =
        new[] { typeof(IDataView), typeof(IHost), typeof(MLContext), typeof(MLImage), typeof(CustomMappingCatalog) }
            .SelectMany(type => type.Assembly.GetTypes()).ToLookup(type => type.Name.Split('`')[0]);

    [Fact]
    public void Every_member_of_ML_NET_that_is_named_can_be_called()
    {
        var named = Files().SelectMany(file => (file.EndsWith(".md", StringComparison.Ordinal) ? InMarkdown() : InComments())
            .Matches(File.ReadAllText(Path.Combine(Fixtures.Checkout, file))).SelectMany(code => Members().Matches(code.Value)).Select(member => (file, member))).ToList();
        Assert.Contains(named, each => each.member.Value == "Model.Save");
        Assert.Empty(named.Where(each => IsHidden(each.member.Groups[1].Value, each.member.Groups[2].Value)).Select(each => $"{each.file}: {each.member.Value}"));
    }

    [Fact]
    public void What_is_hidden_is_known()
    {
        Assert.True(IsHidden("MLContext", "CancelExecution"));
        Assert.True(IsHidden("ICancelable", "IsCanceled"));
        Assert.False(IsHidden("MLContext", "Log"));
        Assert.False(IsHidden("CancellationToken", "None"));
    }

    /// <summary>Whether types of a name have a member, none of them for everyone to see.</summary>
    private static bool IsHidden(string type, string member)
    {
        var found = Types[type].SelectMany(each => each.GetMember(member, All).Select(one => each.IsVisible && IsPublic(one))).ToList();
        return found.Count > 0 && !found.Contains(true);
    }

    private static bool IsPublic(MemberInfo member) => member switch
    {
        MethodBase method => method.IsPublic || method.IsFamily,
        FieldInfo field => field.IsPublic,
        PropertyInfo property => property.GetAccessors().Length > 0,
        EventInfo signal => signal.AddMethod!.IsPublic,
        Type nested => nested.IsVisible,
        _ => true,
    };

    private static IEnumerable<string> Files() =>
        ["README.md", .. Under("docs", "*.md"), .. Under("src", "*.cs").Where(file => !file.Split('/').Any(part => part is "obj" or "bin"))];

    private static IEnumerable<string> Under(string folder, string pattern) =>
        Directory.EnumerateFiles(Path.Combine(Fixtures.Checkout, folder), pattern, SearchOption.AllDirectories).Select(file => Path.GetRelativePath(Fixtures.Checkout, file).Replace('\\', '/'));

    [GeneratedRegex("`[^`\n]+`")]
    private static partial Regex InMarkdown();

    [GeneratedRegex("^ *//.*$", RegexOptions.Multiline)]
    private static partial Regex InComments();

    [GeneratedRegex(@"\b([A-Z]\w+)\.([A-Z]\w+)")]
    private static partial Regex Members();
}
