using System.Text.Json;
using System.Text.RegularExpressions;
using ControlNet.ML.Imaging;
using ControlNet.ML.Torch.Native;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Scripting;
using Microsoft.CodeAnalysis.Scripting;
using Microsoft.DotNet.Interactive.Formatting;

namespace ControlNet.ML.Cli.Tests;

/// <summary>
/// The notebooks run from their first cell to their last, with what the C# kernel imports and what their packages bring, and show images.
/// <c>scripts/run-notebooks.sh</c> runs them in the kernel itself.
/// </summary>
public sealed partial class NotebookTests
{
    /// <summary>What the C# kernel of .NET Interactive 1.0.712001 imports: no System.IO, no System.Threading.</summary>
    private static readonly string[] KernelImports =
        ["System", "System.Text", "System.Collections", "System.Collections.Generic", "System.Threading.Tasks", "System.Linq"];

    private static readonly string Folder = Path.Combine(Fixtures.Checkout, "notebooks");

    public static TheoryData<string> Notebooks() => [.. Directory.EnumerateFiles(Folder, "*.ipynb").Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    [Fact]
    public void An_image_is_shown_as_an_image()
    {
        var image = new ImageBuffer(3, 2, 3);
        Assert.Equal("text/html", Formatter.GetPreferredMimeTypesFor(typeof(ImageBuffer)).First());
        Assert.Equal("3x2x3", Decoded(image.ToDisplayString("text/html")).Single().ToString());
    }

    [Fact]
    public void Labeled_images_are_shown_in_rows_under_their_labels()
    {
        var images = new LabeledImages([("a < b", new(3, 2, 3)), ("second", new(1, 1, 1)), ("third", new(4, 4, 4))], columns: 2);
        var shown = images.ToDisplayString("text/html");
        Assert.Equal(["3x2x3", "1x1x1", "4x4x4"], Decoded(shown).Select(image => image.ToString()));
        Assert.Equal(["a &lt; b", "second", "third"], Label().Matches(shown).Select(match => match.Groups[1].Value));
        Assert.Equal([2, 1], shown.Split("<tr>")[1..].Select(row => row.Split("<td").Length - 1));
        Assert.Equal(3, new LabeledImages(images.Images).Columns);
        Assert.Throws<ArgumentOutOfRangeException>(() => new LabeledImages(images.Images, columns: 0));
    }

    [Fact]
    public void A_generated_image_is_shown_with_its_settings()
    {
        var image = new GeneratedImage(new(3, 2, 3), new TensorData([0f], 1), new TensorData([0f], 1), new Dictionary<string, string> { ["prompt"] = "a <b>" }, []);
        var shown = image.ToDisplayString("text/html");
        Assert.Equal("3x2x3", Decoded(shown).Single().ToString());
        Assert.Contains("<th>prompt</th><td>a &lt;b&gt;</td>", shown, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Notebooks)), Trait("Category", "Long")]
    public async Task Every_cell_runs(string name)
    {
        TorchNative.EnsureLoaded();
        var cells = CodeCells(name).Select(Source).ToList();
        var packages = cells.SelectMany(cell => Package().Matches(cell)).Select(match => match.Groups[1].Value).ToList();
        Assert.NotEmpty(packages);

        using var tool = new Tool();
        var options = ScriptOptions.Default.WithReferences(PackageAssemblies.Of([.. packages, typeof(Formatter).Assembly.GetName().Name!])).WithImports(KernelImports);
        ScriptState<object>? state = null;
        var shown = 0;

        // Packages are this build's own assemblies; paths are those of the checkout.
        foreach (var cell in cells.Where(cell => !Package().IsMatch(cell) && !cell.Contains("AddPackageSource", StringComparison.Ordinal)))
        {
            var code = ShortRuns.Of(cell).Replace("\"../", $"\"{Fixtures.Checkout.Replace('\\', '/')}/", StringComparison.Ordinal);
            state = state is null ? await CSharpScript.RunAsync(code, options) : await state.ContinueWithAsync(code);
            Assert.Empty(state.Script.GetCompilation().GetDiagnostics().Where(d => d.Severity == DiagnosticSeverity.Warning && d.Id is not ("CS1701" or "CS1702")));
            if (state.ReturnValue is { } value)
                shown += Decoded(value.ToDisplayString("text/html")).Count();
        }

        Assert.True(shown > 0, "no cell ends in an image");
    }

    [Theory, MemberData(nameof(Notebooks))]
    public void Lines_fit(string name)
    {
        using var notebook = Read(name);
        foreach (var cell in notebook.RootElement.GetProperty("cells").EnumerateArray())
            Assert.All(Source(cell).Split('\n'), line => Assert.True(line.Length <= 100, line));
    }

    /// <summary>As <c>scripts/run-notebooks.sh --store</c> leaves them.</summary>
    [Theory, MemberData(nameof(Notebooks))]
    public void Outputs_are_stored(string name)
    {
        Assert.InRange(new FileInfo(Path.Combine(Folder, name)).Length, 1, 2_000_000);
        var outputs = new List<string>();
        foreach (var cell in CodeCells(name))
        {
            Assert.Equal(JsonValueKind.Number, cell.GetProperty("execution_count").ValueKind);
            foreach (var output in cell.GetProperty("outputs").EnumerateArray())
            {
                Assert.Equal("execute_result", output.GetProperty("output_type").GetString());
                outputs.AddRange(output.GetProperty("data").EnumerateObject().Select(data => string.Concat(data.Value.EnumerateArray().Select(line => line.GetString()))));
            }
        }

        Assert.NotEmpty(outputs.SelectMany(Decoded));
        Assert.All(outputs, output => Assert.DoesNotMatch("(?i)[\\\\/](root|home|users|tmp)[\\\\/]", Data().Replace(output, "")));
    }

    private static JsonDocument Read(string name) => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, name)));

    private static List<JsonElement> CodeCells(string name)
    {
        using var notebook = Read(name);
        return [.. notebook.RootElement.GetProperty("cells").EnumerateArray().Where(cell => cell.GetProperty("cell_type").GetString() == "code").Select(cell => cell.Clone())];
    }

    private static string Source(JsonElement cell) => string.Concat(cell.GetProperty("source").EnumerateArray().Select(line => line.GetString()));

    private static IEnumerable<ImageBuffer> Decoded(string html) =>
        PngData().Matches(html).Select(match => ImageCodec.Decode(Convert.FromBase64String(match.Groups[1].Value), "shown"));

    [GeneratedRegex("^#r \"nuget: ([^,\"]+)", RegexOptions.Multiline)]
    private static partial Regex Package();

    [GeneratedRegex("data:image/png;base64,([^\"]*)\"")]
    private static partial Regex PngData();

    [GeneratedRegex("data:[^\"]*\"")]
    private static partial Regex Data();

    [GeneratedRegex("<td[^>]*>([^<]*)<br/>")]
    private static partial Regex Label();
}
