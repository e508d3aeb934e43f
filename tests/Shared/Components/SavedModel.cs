using System.IO.Compression;
using System.Security.Cryptography;
using Microsoft.ML;

namespace ControlNet.ML.TestSupport;

/// <summary>A model saved by ML.NET.</summary>
internal sealed class SavedModel
{
    private readonly byte[] _file;

    public SavedModel(MLContext ml, ITransformer model, DataViewSchema schema)
    {
        using var file = new MemoryStream();
        ml.Model.Save(model, schema, file);
        _file = file.ToArray();
    }

    /// <summary>The entries with their SHA-256. The bytes of the zip itself are not comparable: they contain the time.</summary>
    public string[] Entries
    {
        get
        {
            using var zip = new ZipArchive(new MemoryStream(_file));
            return [.. zip.Entries.Select(entry =>
            {
                using var stream = entry.Open();
                return $"{entry.FullName} {Convert.ToHexString(SHA256.HashData(stream))}";
            })];
        }
    }

    /// <summary>Loads it in a new context, as another program would.</summary>
    public ITransformer Load() => new MLContext().Model.Load(new MemoryStream(_file), out _);
}
