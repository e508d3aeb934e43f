using System.Reflection;
using System.Runtime.Loader;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Tests.Weights;

public sealed class ModelPackagesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_model_is_found_beside_its_assembly()
    {
        Load(MakePackage("ControlNet.ML.Beside", "beside", "app"));
        var models = MakeFolder("app/models/beside");

        Assert.Equal(models, ModelPackages.FindFolder("beside"));
        Assert.Contains("beside", ModelPackages.Names);
    }

    [Fact]
    public void A_model_is_found_at_the_root_of_a_NuGet_package()
    {
        Load(MakePackage("ControlNet.ML.Rooted", "rooted", "packages/rooted/1.0.0/lib/net10.0"));

        Assert.Equal(MakeFolder("packages/rooted/1.0.0/models/rooted"), ModelPackages.FindFolder("rooted"));
    }

    [Fact]
    public void A_package_that_is_not_loaded_yet_is_found_by_its_assembly_name()
    {
        var path = MakePackage("ControlNet.ML.LineArt2", "line-art2", "later");
        var models = MakeFolder("later/models/line-art2");
        List<string> asked = [];
        AssemblyLoadContext.Default.Resolving += Resolve;
        try
        {
            Assert.Equal(models, ModelPackages.FindFolder("line-art2"));
            Assert.Equal(["ControlNet.ML.LineArt2"], asked);
        }
        finally
        {
            AssemblyLoadContext.Default.Resolving -= Resolve;
        }

        Assembly? Resolve(AssemblyLoadContext context, AssemblyName name)
        {
            asked.Add(name.Name!);
            return name.Name == "ControlNet.ML.LineArt2" ? context.LoadFromAssemblyPath(path) : null;
        }
    }

    [Fact]
    public void A_package_without_its_files_is_an_error_that_says_where_they_were_looked_for()
    {
        Load(MakePackage("ControlNet.ML.Bare", "bare", "bare/lib/net10.0"));

        var error = Assert.Throws<ControlNetException>(() => ModelPackages.FindFolder("bare"));

        Assert.Contains(Path.Combine(AppContext.BaseDirectory, "models", "bare"), error.Message, StringComparison.Ordinal);
        Assert.Contains(_folder.File("bare", "models", "bare"), error.Message, StringComparison.Ordinal);
        Assert.Contains("ControlNet.ML.Bare", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("bare", ModelPackages.Names);
    }

    [Fact]
    public void One_assembly_may_bring_several_models()
    {
        Load(MakePackage("ControlNet.ML.Twins", ["first-twin", "second-twin"], "twins"));
        var second = MakeFolder("twins/models/second-twin");

        Assert.Equal(second, ModelPackages.FindFolder("second-twin"));
        Assert.Throws<ControlNetException>(() => ModelPackages.FindFolder("first-twin"));
    }

    [Theory]
    [InlineData("no-such-model")]
    [InlineData("tests")] // an assembly of this name is there, but brings no model
    [InlineData("")]
    [InlineData(".")]
    [InlineData("../secret")]
    [InlineData("emoji/canny")]
    [InlineData("Name, Version=1.0.0.0")]
    [InlineData("a--b")]
    [InlineData("-a")]
    [InlineData("näme")]
    [InlineData("name\n")]
    public void Other_names_are_no_package(string name) => Assert.Null(ModelPackages.FindFolder(name));

    [Theory]
    [InlineData("../evil")]
    [InlineData("evil.dll")]
    [InlineData("evil, Culture=neutral")]
    [InlineData("C:\\evil")]
    public void Only_plain_names_are_ever_looked_for_as_assemblies(string name)
    {
        List<string> asked = [];
        AssemblyLoadContext.Default.Resolving += Note;
        try
        {
            Assert.Null(ModelPackages.FindFolder(name));
        }
        finally
        {
            AssemblyLoadContext.Default.Resolving -= Note;
        }

        Assert.DoesNotContain(asked, assembly => assembly.Contains("evil", StringComparison.Ordinal));

        Assembly? Note(AssemblyLoadContext context, AssemblyName assembly)
        {
            asked.Add(assembly.Name!);
            return null;
        }
    }

    private string MakePackage(string assembly, string model, string folder) => MakePackage(assembly, [model], folder);

    /// <summary>Writes an assembly with nothing in it but the attribute.</summary>
    private string MakePackage(string assembly, string[] models, string folder)
    {
        var attribute = typeof(ModelPackageAttribute).GetConstructor([typeof(string), typeof(string)])!;
        var builder = new System.Reflection.Emit.PersistedAssemblyBuilder(
            new AssemblyName(assembly),
            typeof(object).Assembly,
            models.Select(model => new System.Reflection.Emit.CustomAttributeBuilder(attribute, [model, $"models/{model}"])));
        builder.DefineDynamicModule(assembly);
        var path = Path.Combine(MakeFolder(folder), assembly + ".dll");
        builder.Save(path);
        return path;
    }

    private string MakeFolder(string folder) => Directory.CreateDirectory(_folder.File(folder.Split('/'))).FullName;

    private static void Load(string path) => AssemblyLoadContext.Default.LoadFromAssemblyPath(path);
}
