using System.Text;
using System.Text.Json;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Tests.Weights;

/// <summary>Writes test files, stopping when the test run is stopped.</summary>
internal static class Written
{
    public static string To(string path, IEnumerable<TensorContent> tensors, IReadOnlyDictionary<string, string>? metadata = null)
    {
        SafetensorsWriter.Write(path, tensors, metadata, TestContext.Current.CancellationToken);
        return path;
    }

    /// <summary>A float16 file of any size whose data is a hole, which takes no room on the disk.</summary>
    public static string Sparse(string path, IEnumerable<(string Name, long[] Shape)> tensors)
    {
        long end = 0;
        var header = new Dictionary<string, object>();
        foreach (var (name, shape) in tensors)
        {
            var start = end;
            end += 2 * shape.Aggregate(1L, (product, size) => product * size);
            header.Add(name, new { dtype = "F16", shape, data_offsets = new[] { start, end } });
        }

        var json = Encoding.UTF8.GetBytes(JsonSerializer.Serialize(header));
        using var stream = new FileStream(path, FileMode.Create);
        stream.Write(BitConverter.GetBytes((long)json.Length));
        stream.Write(json);
        stream.SetLength(8 + json.Length + end);
        return path;
    }
}
