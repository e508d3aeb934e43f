using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>A row of the table that can be read: what its image is to be.</summary>
/// <param name="Row">Its number.</param>
/// <param name="Prompt">The prompt.</param>
/// <param name="Options">Steps, guidance, seed and so on, the size included.</param>
/// <param name="Controls">One for each control network.</param>
/// <param name="Start">The image that it begins from, or null.</param>
internal sealed record RowRequest(long Row, string Prompt, GenerateOptions Options, IReadOnlyList<RowSource> Controls, StartImage? Start)
{
    /// <summary>The image's size.</summary>
    public ImageSize Size => new(Options.Width!.Value, Options.Height!.Value);

    /// <summary>What it must have in common with the other rows of its batch. All rows have the run's scheduler.</summary>
    public BatchKey Key => new(
        Size.Width, Size.Height, Options.Steps, Scheduler: "", Start?.StrengthOrDefault, [.. Controls.Index().Where(control => control.Item.Unit.TakesPart).Select(control => (object)control.Index)]);
}

/// <summary>One control network's part in a row.</summary>
/// <param name="Column">The column that names the file; null if the network takes no part.</param>
/// <param name="File">The file, or null.</param>
/// <param name="IsPhoto">Whether the condition is yet to be made of it.</param>
/// <param name="Unit">Scale, window and weighting.</param>
internal sealed record RowSource(string? Column, string? File, bool IsPhoto, ControlUnit Unit);
