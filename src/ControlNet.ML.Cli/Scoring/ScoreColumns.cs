namespace ControlNet.ML.Cli.Scoring;

/// <summary>The columns of a table that <c>score</c> knows, and what they mean; docs/scoring.md says more.</summary>
internal static class ScoreColumns
{
    /// <summary>Settings of the image.</summary>
    public static IReadOnlyList<ScoreColumn> OfImage { get; } =
    [
        new("prompt", "the prompt; without it, --prompt"),
        new("negative_prompt", "the negative prompt; without it, --negative"),
        new("prompt_syntax", "what brackets in both mean: plain or weighted; without it, --prompt-syntax"),
        new("seed", "the seed; without it, --seed plus the row's number"),
        new("guidance", "the guidance scale; without it, --guidance"),
        new("guidance_rescale", "the guidance rescale; without it, --guidance-rescale"),
        new("steps", "the number of steps; without it, --steps"),
        new("scheduler", "the scheduler; without it, --scheduler"),
        new("eta", "eta; without it, --eta"),
        new("clip_skip", "the layers of the text encoder to skip; without it, --clip-skip"),
        new("lora", "LoRAs, FILE:WEIGHT;FILE:WEIGHT; without it, --lora"),
        new("width", "width in pixels; without it, --size"),
        new("height", "height in pixels; without it, --size"),
        new("image", "file of the image to start from"),
        new("strength", "how much to transform it, 0 to 1"),
        new("mask", "file of its mask"),
        new("depth", "file of its depth map"),
    ];

    /// <summary>Settings of the control networks. Without a number for all of them, with a number (from 1) for one.</summary>
    public static IReadOnlyList<ScoreColumn> OfControl { get; } =
    [
        new("photo", "file of the photo to preprocess to the condition"),
        new("condition", "file of the ready-made condition"),
        new("scale", "the control network's scale"),
        new("start", "share of the steps at which it starts, 0 to 1"),
        new("end", "share of the steps at which it ends, 0 to 1"),
        new("mode", "its weighting: uniform, resolution, guess or guess-original"),
    ];

    /// <summary>All of them, a line each.</summary>
    public static string Help => string.Join('\n', OfImage.Concat(OfControl).Select(column => $"  {column.Name}: {column.Meaning}"));
}

/// <summary>A column.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Meaning">What its values are.</param>
internal sealed record ScoreColumn(string Name, string Meaning);
