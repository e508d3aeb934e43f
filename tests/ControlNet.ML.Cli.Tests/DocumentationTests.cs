using System.Text.RegularExpressions;
using ControlNet.ML.Onnx;
using ControlNet.ML.Torch.Native;
using Microsoft.CodeAnalysis.CSharp.Scripting;
using Microsoft.CodeAnalysis.Scripting;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

namespace ControlNet.ML.Cli.Tests;

/// <summary>The C# of the READMEs, those of the packages too, and of docs/ is compiled and run as it stands there.</summary>
public sealed partial class DocumentationTests
{
    public static TheoryData<string, int> Examples()
    {
        var rows = new TheoryData<string, int>();
        foreach (var file in new[] { "README.md", "notebooks/README.md", "samples/README.md" }.Select(f => Path.Combine(Fixtures.Checkout, f)).Concat(PackageReadmeTests.Readmes()).Concat(Directory.EnumerateFiles(Path.Combine(Fixtures.Checkout, "docs"), "*.md", SearchOption.AllDirectories)))
        {
            for (var i = 0; i < CSharp().Count(File.ReadAllText(file)); i++)
                rows.Add(Path.GetRelativePath(Fixtures.Checkout, file), i);
        }

        return rows;
    }

    [Theory, MemberData(nameof(Examples))]
    public async Task An_example_runs(string file, int index)
    {
        TorchNative.EnsureLoaded();
        var code = CSharp().Matches(File.ReadAllText(Path.Combine(Fixtures.Checkout, file)))[index].Groups[1].Value;

        // A script knows no using declarations; in an example they mean: disposed at the end.
        code = UsingDeclaration().Replace(ShortRuns.Of(code), "var");

        var folder = Directory.CreateTempSubdirectory();
        var before = Environment.CurrentDirectory;
        try
        {
            CopyImages(folder.FullName);
            Environment.CurrentDirectory = folder.FullName;
            await CSharpScript.RunAsync(code, ScriptOptions.Default
                .WithReferences(AppDomain.CurrentDomain.GetAssemblies().Where(a => !a.IsDynamic && a.Location.Length > 0))
                .AddReferences(typeof(DiffusionModel).Assembly, typeof(TorchNative).Assembly, typeof(OnnxGraph).Assembly)
                .AddReferences(typeof(IDataView).Assembly, typeof(IHost).Assembly, typeof(MLContext).Assembly, typeof(MLImage).Assembly, typeof(CustomMappingCatalog).Assembly)
                .AddImports("System", "System.Collections.Generic", "System.IO", "System.Linq", "System.Threading", "System.Threading.Tasks"));
        }
        finally
        {
            Environment.CurrentDirectory = before;
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Examples name the images in docs/images as a reader of the repository would, and write where they stand.</summary>
    private static void CopyImages(string folder)
    {
        var target = Directory.CreateDirectory(Path.Combine(folder, "docs", "images")).FullName;
        foreach (var image in Directory.EnumerateFiles(Path.Combine(Fixtures.Checkout, "docs", "images")))
            File.Copy(image, Path.Combine(target, Path.GetFileName(image)));

        // A package's readme is read where there is no repository: its images are the reader's own.
        File.Copy(Path.Combine(target, "panda.png"), Path.Combine(folder, "photo.png"));
    }

    [GeneratedRegex("```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CSharp();

    [GeneratedRegex(@"^using var", RegexOptions.Multiline)]
    private static partial Regex UsingDeclaration();
}
