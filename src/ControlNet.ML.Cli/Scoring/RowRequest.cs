using ControlNet.ML.Adapters;
using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>A parsed row of the table.</summary>
/// <param name="Row">Its number.</param>
/// <param name="Prompt">The prompt.</param>
/// <param name="Options">Steps, guidance scale, seed and so on, with the size.</param>
/// <param name="Controls">One for each control network.</param>
/// <param name="Start">The image to start from, or null.</param>
internal sealed record RowRequest(long Row, string Prompt, GenerateOptions Options, IReadOnlyList<RowSource> Controls, StartImage? Start)
{
    /// <summary>The image's size.</summary>
    public ImageSize Size => new(Options.Width!.Value, Options.Height!.Value);

    /// <summary>What the rows of a batch must have in common. All rows have the run's scheduler.</summary>
    public BatchKey Key => new(
        Size.Width,
        Size.Height,
        Options.StepCount,
        Scheduler: "",
        Start?.StrengthOrDefault,
        [.. Controls.Index().Where(control => control.Item.Unit.TakesPart).Select(control => (object)control.Index)])
    {
        Loras = $"{string.Join(';', Options.Loras)};{(Options.LoraFolder is null ? "" : LoraTags.In(Prompt))}",
    };
}

/// <summary>A row's input to one control network.</summary>
/// <param name="Column">The column that names the file; null if the network does not apply.</param>
/// <param name="File">The file, or null.</param>
/// <param name="IsPhoto">Whether the file is a photo to preprocess, not a condition.</param>
/// <param name="Unit">Scale, start, end and weighting.</param>
internal sealed record RowSource(string? Column, string? File, bool IsPhoto, ControlUnit Unit);
