using ControlNet.ML.Diffusion;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>The settings of a run; values in the table's rows override them.</summary>
internal sealed record ScoreSettings
{
    /// <summary>The table's file.</summary>
    public required string Table { get; init; }

    /// <summary>The encoding of a text table.</summary>
    /// <value>Default: null, UTF-8.</value>
    public string? Encoding { get; init; }

    /// <summary>The folder that images and results go to.</summary>
    public required string Out { get; init; }

    /// <summary>The part of the table to score.</summary>
    /// <value>Default: all of it.</value>
    public Shard Shard { get; init; } = Shard.Whole;

    /// <summary>Prompt of rows without one.</summary>
    /// <value>Default: empty.</value>
    public string Prompt { get; init; } = "";

    /// <summary>The model's name or folder.</summary>
    /// <value>Default: the embedded one.</value>
    public string Model { get; init; } = "emoji";

    /// <summary>Control networks, NAME[:SCALE[:START-END]].</summary>
    /// <value>Default: empty, the model's own network if the table has conditions.</value>
    public IReadOnlyList<string> Controls { get; init; } = [];

    /// <summary>Whether images are generated without the control networks: a baseline with the same prompts and seeds.</summary>
    /// <value>Default: false.</value>
    public bool WithoutControl { get; init; }

    /// <summary>The preprocessor that makes conditions from photos.</summary>
    /// <value>Default: null, the one in the network's name.</value>
    public string? Preprocess { get; init; }

    /// <summary>Settings that preprocessors without such an option ignore.</summary>
    /// <value>Default: none.</value>
    public IReadOnlyList<string> Canny { get; init; } = [];

    /// <summary>The user's settings of the preprocessor.</summary>
    /// <value>Default: none.</value>
    public IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>How a photo with another aspect ratio is fitted to the image's size.</summary>
    /// <value>Default: <see cref="FitMode.Crop"/>.</value>
    public FitMode Fit { get; init; } = FitMode.Crop;

    /// <summary>Size of rows without one.</summary>
    /// <value>Default: null, the size that the model was trained at.</value>
    public SizeRequest? Size { get; init; }

    /// <summary>Weighting of rows without one.</summary>
    /// <value>Default: <see cref="ControlWeighting.Uniform"/>.</value>
    public ControlWeighting Weighting { get; init; }

    /// <summary>Precision and device.</summary>
    public LoadOptions Load { get; init; } = new();

    /// <summary>Textual inversions.</summary>
    /// <value>Default: none.</value>
    public IReadOnlyList<EmbeddingArgument> Embeddings { get; init; } = [];

    /// <summary>
    /// Steps, guidance scale, scheduler and negative prompt of rows without them. The seed is that of row 0; row N uses seed + N.
    /// </summary>
    public GenerateOptions Options { get; init; } = new();

    /// <summary>Batch size, 1 to 256; null measures it when the run begins.</summary>
    /// <value>Default: 1.</value>
    public int? Batch { get; init; } = 1;

    /// <summary>Format of the results: parquet or csv.</summary>
    /// <value>Default: parquet.</value>
    public string Format { get; init; } = "parquet";

    /// <summary>Whether the first row with an error stops the run.</summary>
    /// <value>Default: false.</value>
    public bool Strict { get; init; }

    /// <summary>Whether rows that failed in earlier calls are retried.</summary>
    /// <value>Default: false.</value>
    public bool RetryFailed { get; init; }

    /// <summary>Whether the images of earlier calls are compared with their SHA-256, not only with their length.</summary>
    /// <value>Default: false.</value>
    public bool Verify { get; init; }
}
