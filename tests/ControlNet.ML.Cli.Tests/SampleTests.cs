using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using ControlNet.ML.Imaging;
using ControlNet.ML.Torch.Native;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace ControlNet.ML.Cli.Tests;

/// <summary>The samples compile with the packages that they name, and run. <c>tests/acceptance/samples.sh</c> runs them as users do.</summary>
public sealed partial class SampleTests
{
    /// <summary>What the SDK's implicit usings are for a file-based app.</summary>
    private const string ImplicitUsings =
        "global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq; "
        + "global using System.Net.Http; global using System.Threading; global using System.Threading.Tasks;";

    private static readonly string Folder = Path.Combine(Fixtures.Checkout, "samples");

    /// <summary>Each sample, and images that it writes.</summary>
    private static readonly Dictionary<string, string[]> Images = new()
    {
        ["onnx-transformer.cs"] = ["decoded-1.png", "decoded-2.png"],
        ["onnx.cs"] = ["onnx.png"],
        ["pipeline.cs"] = ["pipeline-1.png", "pipeline-2.png"],
        ["score-folder.cs"] = ["scored/butterfly.png", "scored/green apple.png", "scored/sailboat.png", "scored/tropical fish.png"],
        ["tiger.cs"] = ["tiger.png", "tiger-edges.png"],
        ["train.cs"] = ["discs-run/samples/step-000000004.png"],
        ["two-controls.cs"] = ["two-controls.png"],
    };

    public static TheoryData<string> Samples() => [.. Directory.EnumerateFiles(Folder, "*.cs").Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal)];

    [Theory, MemberData(nameof(Samples)), Trait("Category", "Long")]
    public void A_sample_runs(string name)
    {
        TorchNative.EnsureLoaded();
        var program = Compile(name);
        using var tool = new Tool();
        AppContext.SetData("EntryPointFileDirectoryPath", Folder);
        var (code, output) = Run(program);
        Assert.Equal((0, ""), (code, output.Error));
        Assert.NotEqual("", output.Text);
        foreach (var image in Images[name])
            Assert.True(ImageCodec.Load(image).Samples.Distinct().Count() > 1, $"{image} has one color");
    }

    [Fact, Trait("Category", "Long")]
    public void A_damaged_drawing_fails_alone()
    {
        TorchNative.EnsureLoaded();
        var program = Compile("score-folder.cs");
        using var tool = new Tool();
        Directory.CreateDirectory("drawings");
        File.Copy(Path.Combine(Folder, "drawings", "sailboat.png"), "drawings/sailboat.png");
        File.WriteAllText("drawings/broken.png", "no image");
        var (code, output) = Run(program, "drawings", "out");
        Assert.Equal(1, code);
        Assert.StartsWith("broken.png: drawings", output.Error, StringComparison.Ordinal);
        Assert.Equal(["out/sailboat.png"], Directory.EnumerateFiles("out").Select(file => file.Replace('\\', '/')));
    }

    [Theory, MemberData(nameof(Samples))]
    public void A_sample_names_the_versions_of_this_repository(string name)
    {
        var own = XDocument.Load(Path.Combine(Fixtures.Checkout, "Directory.Build.props")).Descendants("VersionPrefix").Single().Value;
        var central = XDocument.Load(Path.Combine(Fixtures.Checkout, "Directory.Packages.props"));
        var torch = central.Descendants("TorchSharpVersion").Single().Value;
        var onnx = central.Descendants("OnnxRuntimeVersion").Single().Value;
        var transformer = (string)central.Descendants("PackageVersion").Single(element => (string?)element.Attribute("Include") == "Microsoft.ML.OnnxTransformer").Attribute("Version")!;
        foreach (var (package, version) in Packages(File.ReadAllText(Path.Combine(Folder, name))))
            Assert.Equal((package, package switch { "TorchSharp-cpu" => torch, "Microsoft.ML.OnnxRuntime" => onnx, "Microsoft.ML.OnnxTransformer" => transformer, _ => own }), (package, version));
    }

    /// <summary>Compiles a sample as the SDK does, without warnings.</summary>
    private static MethodInfo Compile(string name)
    {
        var text = File.ReadAllText(Path.Combine(Folder, name));
        var options = new CSharpParseOptions(LanguageVersion.CSharp14).WithFeatures([new("FileBasedProgram", "true")]);
        var compilation = CSharpCompilation.Create(
            Path.GetFileNameWithoutExtension(name),
            [CSharpSyntaxTree.ParseText(ShortRuns.Of(text), options, name), CSharpSyntaxTree.ParseText(ImplicitUsings, options)],
            PackageAssemblies.Of(Packages(text).Select(package => package.Name)),
            new CSharpCompilationOptions(OutputKind.ConsoleApplication, nullableContextOptions: NullableContextOptions.Enable, warningLevel: 10));
        using var assembly = new MemoryStream();
        Assert.Empty(compilation.Emit(assembly).Diagnostics.Where(d => d.Severity >= DiagnosticSeverity.Warning && d.Id is not ("CS1701" or "CS1702")));
        return Assembly.Load(assembly.ToArray()).EntryPoint!;
    }

    private static IEnumerable<(string Name, string Version)> Packages(string text) =>
        PackageLine().Matches(text).Select(match => (match.Groups[1].Value, match.Groups[2].Value));

    private static (int Code, (string Text, string Error) Output) Run(MethodInfo program, params string[] args)
    {
        var (before, beforeError) = (Console.Out, Console.Error);
        using var output = new StringWriter();
        using var error = new StringWriter();
        Console.SetOut(output);
        Console.SetError(error);
        try
        {
            var code = program.Invoke(null, [args]) as int? ?? 0;
            return (code, (output.ToString(), error.ToString()));
        }
        finally
        {
            Console.SetOut(before);
            Console.SetError(beforeError);
        }
    }

    [GeneratedRegex("^#:package ([^@\r\n]+)@([^\r\n]+)", RegexOptions.Multiline)]
    private static partial Regex PackageLine();
}
