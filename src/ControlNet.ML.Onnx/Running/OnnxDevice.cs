using System.Globalization;

namespace ControlNet.ML.Onnx;

/// <summary>Where graphs run, as one text: execution providers, best first, and the number of the GPU.</summary>
/// <param name="Providers">The providers.</param>
/// <param name="Index">The GPU, from 0.</param>
internal sealed record OnnxDevice(IReadOnlyList<ExecutionProvider> Providers, int Index)
{
    /// <summary>What <see cref="Parse"/> reads, for messages and help.</summary>
    public static string Expected { get; } =
        $"{Message.Choices(ExecutionProviders.Names)}, one of them with the number of a GPU (cuda:1), or several, best first (cuda,cpu)";

    /// <summary>Reads a device: <c>cpu</c>, <c>directml</c>, <c>cuda:1</c>, <c>tensorrt:1,cuda:1,cpu</c>.</summary>
    /// <param name="text">Names of providers, separated by commas, each with or without the number of a GPU; the GPU is the same for
    /// all.</param>
    /// <exception cref="ControlNetException">
    /// A name is none of the providers or is there twice, or the numbers are none or differ.
    /// </exception>
    public static OnnxDevice Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<string> names = [];
        HashSet<int> numbers = [];
        foreach (var item in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var (name, number) = item.Split(':', 2) is [var before, var after] ? (before, after) : (item, null);
            names.Add(name);
            if (number is null)
                continue;
            if (!int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var index))
                throw new ControlNetException($"{Message.Name(item)} has no number of a GPU after the colon, expected {Expected}.");
            numbers.Add(index);
        }

        if (names.Find(name => !ExecutionProviders.Names.Contains(name, StringComparer.OrdinalIgnoreCase)) is { } other)
            throw new ControlNetException($"There is no execution provider {Message.Name(other)}, expected {Expected}.");
        return numbers.Count <= 1
            ? new OnnxDevice(ExecutionProviders.Parse(string.Join(',', names)), numbers.FirstOrDefault())
            : throw new ControlNetException(
                $"{Message.Name(text)} names several GPUs ({string.Join(", ", numbers.Order())}), expected the same number everywhere.");
    }
}
