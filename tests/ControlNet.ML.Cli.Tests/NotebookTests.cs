using System.Text.Json;
using System.Text.RegularExpressions;
using ControlNet.ML.Imaging;
using ControlNet.ML.Onnx;
using ControlNet.ML.Torch.Native;
using Microsoft.CodeAnalysis.CSharp.Scripting;
using Microsoft.CodeAnalysis.Scripting;
using Microsoft.DotNet.Interactive.Formatting;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace ControlNet.ML.Cli.Tests;

/// <summary>The notebooks run from their first cell to their last, and show images.</summary>
public sealed partial class NotebookTests
{
    public static TheoryData<string> Notebooks() =>
        [.. Directory.EnumerateFiles(Path.Combine(Fixtures.Checkout, "notebooks"), "*.ipynb").Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)];

    [Fact]
    public void An_image_is_shown_as_an_image()
    {
        var image = new ImageBuffer(3, 2, 3);
        Assert.Equal("text/html", Formatter.GetPreferredMimeTypesFor(typeof(ImageBuffer)).First());
        var shown = image.ToDisplayString("text/html");
        var data = PngData().Match(shown).Groups[1].Value;
        Assert.Equal("3x2x3", ImageCodec.Decode(Convert.FromBase64String(data), "shown").ToString());
    }

    [Theory, MemberData(nameof(Notebooks))]
    public async Task Every_cell_runs(string name)
    {
        TorchNative.EnsureLoaded();
        using var notebook = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(Fixtures.Checkout, "notebooks", name), TestContext.Current.CancellationToken));
        using var tool = new Tool();
        var options = ScriptOptions.Default
            .WithReferences(AppDomain.CurrentDomain.GetAssemblies().Where(a => !a.IsDynamic && a.Location.Length > 0))
            .AddReferences(typeof(DiffusionModel).Assembly, typeof(TorchNative).Assembly, typeof(OnnxGraph).Assembly)
            .AddReferences(typeof(IDataView).Assembly, typeof(IHost).Assembly, typeof(MLContext).Assembly, typeof(MLImage).Assembly, typeof(CustomMappingCatalog).Assembly)
            .AddImports("System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Threading", "System.Threading.Tasks");
        ScriptState<object>? state = null;
        var shown = 0;
        foreach (var cell in notebook.RootElement.GetProperty("cells").EnumerateArray().Where(cell => cell.GetProperty("cell_type").GetString() == "code"))
        {
            // Packages are this build's own assemblies; paths are those of the checkout.
            var code = Package().Replace(string.Concat(cell.GetProperty("source").EnumerateArray().Select(line => line.GetString())), "");
            code = code.Replace("\"../docs/images/", $"\"{Path.Combine(Fixtures.Checkout, "docs", "images").Replace('\\', '/')}/", StringComparison.Ordinal);
            if (code.Trim().Length == 0)
                continue;
            state = state is null
                ? await CSharpScript.RunAsync(code, options, cancellationToken: TestContext.Current.CancellationToken)
                : await state.ContinueWithAsync(code, cancellationToken: TestContext.Current.CancellationToken);
            if (state.ReturnValue is { } value && PngData().Match(value.ToDisplayString("text/html")) is { Success: true } png)
                Keep(png.Groups[1].Value, $"{Path.GetFileNameWithoutExtension(name)}-{shown++}.png");
        }

        Assert.True(shown > 0, "no cell ends in an image");
    }

    /// <summary>To look at what notebooks show: NOTEBOOK_IMAGES names a folder for it.</summary>
    private static void Keep(string base64, string name)
    {
        if (Environment.GetEnvironmentVariable("NOTEBOOK_IMAGES") is { Length: > 0 } folder)
            File.WriteAllBytes(Path.Combine(folder, name), Convert.FromBase64String(base64));
    }

    [GeneratedRegex("^#[ri] .*$", RegexOptions.Multiline)]
    private static partial Regex Package();

    [GeneratedRegex("data:image/png;base64,([^\"]*)\"")]
    private static partial Regex PngData();
}
