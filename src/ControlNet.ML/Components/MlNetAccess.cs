using System.IO.Compression;
using System.Runtime.CompilerServices;
using ControlNet.ML.Components;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;

[assembly: IgnoresAccessChecksTo("Microsoft.ML.Core")]
[assembly: IgnoresAccessChecksTo("Microsoft.ML.Data")]
[assembly: LoadableClass(
    "A component of ControlNet.ML",
    typeof(ModelTransformer),
    typeof(MlNetAccess),
    null,
    typeof(SignatureLoadModel),
    "ControlNet.ML component",
    MlNetAccess.Signature)]

namespace ControlNet.ML.Components;

/// <summary>
/// All uses of ML.NET's internals, which build/MlNetAccess.targets makes visible to the compiler: they let a saved model restore the
/// components by itself. No other file may use any.
/// </summary>
internal static class MlNetAccess
{
    /// <summary>The name of the only loader in saved models. It must never change.</summary>
    public const string Signature = "ControlNetComponent";

    private static VersionInfo Version =>
        new("CTRLNET ", 0x00010001, 0x00010001, 0x00010001, typeof(MlNetAccess).Assembly.GetName().Name!, Signature);

    /// <summary>The environment behind a catalog.</summary>
    public static IHostEnvironment Environment(TransformsCatalog catalog) => ((IInternalCatalog)catalog).Environment;

    /// <summary>Whether ML.NET has cancelled the context, which only its own code can do.</summary>
    public static bool IsCancelled(IHostEnvironment environment) => environment is ICancelable { IsCanceled: true };

    /// <summary>The shape of a schema.</summary>
    public static SchemaShape Shape(DataViewSchema schema) => SchemaShape.Create(schema);

    /// <summary>The columns of a shape and those of a schema; columns of the schema replace those of the same name.</summary>
    public static SchemaShape Extend(SchemaShape shape, DataViewSchema added)
    {
        var columns = shape.ToDictionary(column => column.Name);
        foreach (var column in Shape(added))
            columns[column.Name] = column;
        return new SchemaShape(columns.Values);
    }

    /// <summary>Writes a component into a model.</summary>
    public static void Save(ModelSaveContext context, Action<ModelWriter> write)
    {
        context.CheckAtModel();
        context.SetVersionInfo(Version);
        write(new ModelWriter((name, entry) => context.SaveBinaryStream(name, writer => entry(writer.BaseStream))));
    }

    // ML.NET finds this method by its name and parameters when it reads the signature in a model.
    private static ModelTransformer Create(IHostEnvironment environment, ModelLoadContext context)
    {
        var place = context.Directory is { Length: > 0 } directory ? directory.Replace('\\', '/') + "/" : "";
        try
        {
            context.CheckAtModel(Version);
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            throw new ControlNetException(
                $"The model's entry {Message.Name(place + "Model.key")} is not of a component of this library, or of another version: "
                    + $"{error.Message}");
        }

        return ModelTransformer.Load(
            environment, new ModelReader(place, (name, read) => Read(context, Path.Combine(context.Directory ?? "", name), read)));
    }

    // ML.NET would unpack an entry into a temporary file, in full and whatever its size, before any of it could be checked.
    private static bool Read(ModelLoadContext context, string path, Action<Stream> read)
    {
        var entries = Entries(context.Repository);
        path = path.Replace('\\', Path.DirectorySeparatorChar).Replace('/', Path.DirectorySeparatorChar);
        if (!entries.TryGetValue(path, out var entry) && !entries.TryGetValue(path.Replace('/', '\\'), out entry))
            return false;
        using var stream = entry.Open();
        read(stream);
        return true;
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_entries")]
    private static extern ref Dictionary<string, ZipArchiveEntry> Entries(RepositoryReader repository);
}
