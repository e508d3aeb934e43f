using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>A row of the table that can be read: what its image is to be.</summary>
/// <param name="Row">Its number.</param>
/// <param name="Prompt">The prompt.</param>
/// <param name="Size">The image's size.</param>
/// <param name="Options">Steps, guidance, seed and so on, the size included.</param>
/// <param name="Controls">One for each control network.</param>
/// <param name="Start">The image that it begins from, or null.</param>
internal sealed record RowRequest(long Row, string Prompt, ImageSize Size, GenerateOptions Options, IReadOnlyList<RowSource> Controls, StartImage? Start)
{
    /// <summary>Rows of which this is equal are made together.</summary>
    public (ImageSize Size, int Steps, double? Strength, string Networks) Kind => (Size, Options.Steps, Start?.StrengthOrDefault, string.Concat(Controls.Select(control => control.Unit.Scale == 0 ? '0' : '1')));
}

/// <summary>One control network's part in a row.</summary>
/// <param name="Column">The column that names the file; null if the network takes no part.</param>
/// <param name="File">The file, or null.</param>
/// <param name="IsPhoto">Whether the condition is yet to be made of it.</param>
/// <param name="Unit">Scale, window and weighting.</param>
internal sealed record RowSource(string? Column, string? File, bool IsPhoto, ControlUnit Unit);
