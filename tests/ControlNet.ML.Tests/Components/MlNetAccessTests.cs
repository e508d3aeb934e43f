using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace ControlNet.ML.Tests.Components;

/// <summary>
/// The library uses internals of ML.NET, whose absence the compiler cannot notice in a program that runs on a later ML.NET. Every
/// member that the built assembly names is looked for, so that an upgrade fails here with its name.
/// </summary>
public sealed class MlNetAccessTests
{
    private static readonly Module Library = typeof(ControlNetException).Module;

    public static TheoryData<string> Members()
    {
        var rows = new TheoryData<string>();
        foreach (var (name, _) in OfMlNet())
            rows.Add(name);
        return rows;
    }

    [Theory, MemberData(nameof(Members))]
    public void ML_NET_has_each_member_that_is_used(string name)
    {
        var token = OfMlNet().First(member => member.Name == name).Token;
        Assert.NotNull(Library.ResolveMember(token));
    }

    [Fact]
    public void The_internal_ones_are_among_them()
    {
        var hidden = OfMlNet().Select(member => Library.ResolveMember(member.Token)!)
            .Where(member => member is MethodBase { IsAssembly: true } || member.DeclaringType is { IsVisible: false })
            .Select(member => $"{member.DeclaringType!.Name}.{member.Name}").Distinct().Order(StringComparer.Ordinal);
        Assert.Equal(
            [
                "ICancelable.get_IsCanceled", "IInternalCatalog.get_Environment", "LoadableClassAttribute..ctor", "ModelLoadContext.CheckAtModel",
                "ModelLoadContext.Directory", "ModelLoadContext.Repository", "ModelSaveContext.CheckAtModel", "ModelSaveContext.SaveBinaryStream",
                "ModelSaveContext.SetVersionInfo", "SchemaShape.Create", "VersionInfo..ctor",
            ],
            hidden);
    }

    [Fact]
    public void So_is_the_field_that_no_reference_names()
    {
        var reader = typeof(Microsoft.ML.ITransformer).Assembly.GetType("Microsoft.ML.RepositoryReader", throwOnError: true)!;
        Assert.Equal(
            typeof(Dictionary<string, System.IO.Compression.ZipArchiveEntry>), reader.GetField("_entries", BindingFlags.NonPublic | BindingFlags.Instance)?.FieldType);
    }

    [Fact]
    public void No_public_member_shows_an_internal_type_of_ML_NET()
    {
        const BindingFlags All = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        var types = typeof(ControlNetException).Assembly.GetExportedTypes();
        var shown = types.SelectMany(type => type.GetMethods(All)).SelectMany(method => method.GetParameters().Select(p => p.ParameterType).Append(method.ReturnType))
            .Concat(types.SelectMany(type => type.GetConstructors(All)).SelectMany(c => c.GetParameters().Select(p => p.ParameterType)))
            .Concat(types.Select(type => type.BaseType!).Where(type => type is not null)).Concat(types.SelectMany(type => type.GetInterfaces()));
        Assert.All(shown.Where(type => !type.IsGenericParameter), type => Assert.True(type.IsVisible, type.FullName));
    }

    private static List<(string Name, int Token)> OfMlNet()
    {
        using var file = new PEReader(File.OpenRead(Library.FullyQualifiedName));
        var metadata = file.GetMetadataReader();
        List<(string, int)> members = [];
        foreach (var handle in metadata.MemberReferences)
        {
            var member = metadata.GetMemberReference(handle);
            if (member.Parent.Kind != HandleKind.TypeReference)
                continue;
            var type = metadata.GetTypeReference((TypeReferenceHandle)member.Parent);
            if (type.ResolutionScope.Kind != HandleKind.AssemblyReference)
                continue;
            var assembly = metadata.GetString(metadata.GetAssemblyReference((AssemblyReferenceHandle)type.ResolutionScope).Name);
            if (!assembly.StartsWith("Microsoft.ML.", StringComparison.Ordinal))
                continue;
            var token = metadata.GetToken(handle);
            members.Add(($"{assembly}: {metadata.GetString(type.Name)}.{metadata.GetString(member.Name)} (0x{token:x})", token));
        }

        return members;
    }
}
