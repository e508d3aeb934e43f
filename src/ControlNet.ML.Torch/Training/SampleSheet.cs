using System.Globalization;
using ControlNet.ML.Imaging;
using ControlNet.ML.Torch.Training.Data;

namespace ControlNet.ML.Torch.Training;

/// <summary>
/// Sample sheets that show the progress of a training: a row for each held-out image, with its condition, the generated image and the image
/// itself.
/// </summary>
internal static class SampleSheet
{
    private const int Gap = 4;

    /// <summary>Generates the images and writes a sheet.</summary>
    /// <param name="path">The PNG file.</param>
    /// <param name="model">The base model.</param>
    /// <param name="network">The network at its current step.</param>
    /// <param name="rows">The rows; row i uses the seed of the options plus i.</param>
    /// <param name="options">Options of the generated images.</param>
    /// <param name="step">Number of completed steps, for the file's metadata.</param>
    /// <param name="cancellationToken">Checked before each denoising step.</param>
    public static void Write(
        string path,
        DiffusionModel model,
        ControlNetwork network,
        IReadOnlyList<ReadRow> rows,
        GenerateOptions options,
        long step,
        CancellationToken cancellationToken)
    {
        List<ImageBuffer> images = [];
        for (var i = 0; i < rows.Count; i++)
        {
            var own = options with { Seed = options.Seed + (ulong)i, Width = rows[i].Image.Width, Height = rows[i].Image.Height };
            var result = model.Generate(rows[i].Row.Prompt, [new ControlInput(network, rows[i].Condition)], own, cancellationToken);
            images.AddRange([Color.Hwc3(rows[i].Condition), result.Image, Color.Hwc3(rows[i].Image)]);
        }

        ImageCodec.SavePng(path, ImageGrid.Compose(images, columns: 3, Gap), new Dictionary<string, string>
        {
            ["columns"] = "condition, result, target",
            ["step"] = step.ToString(CultureInfo.InvariantCulture),
            ["prompts"] = string.Join("\n", rows.Select(row => row.Row.Prompt)),
        });
    }
}
