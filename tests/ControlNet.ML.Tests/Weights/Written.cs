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
}
