using System.IO.Compression;
using System.Text.Json;

namespace ControlNet.ML.TestSupport;

/// <summary>The layouts of fixtures/onnx, put together from the files that its manifest names. Shared by the tests of a class.</summary>
public sealed class OnnxLayouts : IDisposable
{
    private static readonly Lazy<JsonElement> Manifest = new(() =>
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Fixtures.Path("onnx", "manifest.json")));
        return document.RootElement.Clone();
    });

    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, string> _made = [];

    public static bool Exist => Fixtures.Has("onnx", "manifest.json");

    public static IEnumerable<JsonElement> Cases => Manifest.Value.GetProperty("cases").EnumerateArray();

    public static IEnumerable<string> Names => Manifest.Value.GetProperty("layouts").EnumerateObject().Select(layout => layout.Name);

    /// <summary>The folder of a layout.</summary>
    public string Of(string layout) => Of(layout, (layout, ""));

    /// <summary>A folder of files from several layouts; of two files with one name the later one counts.</summary>
    /// <param name="name">The folder's name.</param>
    /// <param name="sources">Layouts, and the beginning of the files to take of each.</param>
    public string Of(string name, params (string Layout, string Start)[] sources)
    {
        lock (_made)
        {
            if (_made.TryGetValue(name, out var made))
                return made;
            foreach (var (layout, start) in sources)
                Put(layout, start, _folder.File(name));
            return _made[name] = _folder.File(name);
        }
    }

    /// <summary>A copy of a layout of its own, to be damaged.</summary>
    public static string Put(string layout, string start, string folder)
    {
        foreach (var file in Manifest.Value.GetProperty("layouts").GetProperty(layout).GetProperty("files").EnumerateObject())
        {
            if (!file.Name.StartsWith(start, StringComparison.Ordinal))
                continue;
            var target = Path.Combine(folder, file.Name);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            using var source = File.OpenRead(Fixtures.Path(file.Value.GetProperty("source").GetString()!));
            using var stream = File.Create(target);
            if (file.Value.TryGetProperty("gzip", out var zipped) && zipped.GetBoolean())
            {
                using var plain = new GZipStream(source, CompressionMode.Decompress);
                plain.CopyTo(stream);
            }
            else
            {
                source.CopyTo(stream);
            }
        }

        return folder;
    }

    public void Dispose() => _folder.Dispose();
}
