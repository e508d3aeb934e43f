using ControlNet.ML.Diffusion;
using ControlNet.ML.Imaging;

namespace ControlNet.ML.Cli.Scoring;

/// <summary>What is asked of a run; what the table's rows say goes before it.</summary>
internal sealed record ScoreSettings
{
    /// <summary>The table's file.</summary>
    public required string Table { get; init; }

    /// <summary>The encoding of a table of text.</summary>
    /// <value>Default: null, UTF-8.</value>
    public string? Encoding { get; init; }

    /// <summary>The folder that images and results go to.</summary>
    public required string Out { get; init; }

    /// <summary>The part of the table that is scored.</summary>
    /// <value>Default: all of it.</value>
    public Shard Shard { get; init; } = Shard.Whole;

    /// <summary>Prompt of rows that have none.</summary>
    /// <value>Default: empty.</value>
    public string Prompt { get; init; } = "";

    /// <summary>The model's name or folder.</summary>
    /// <value>Default: the embedded one.</value>
    public string Model { get; init; } = "emoji";

    /// <summary>Control networks, NAME[:SCALE[:START-END]].</summary>
    /// <value>Default: none named: the one that the model brings, if the table has conditions.</value>
    public IReadOnlyList<string> Controls { get; init; } = [];

    /// <summary>How conditions are made of photos.</summary>
    /// <value>Default: null, what the network's name says.</value>
    public string? Preprocess { get; init; }

    /// <summary>Settings of the preprocessor that may fit none.</summary>
    /// <value>Default: none.</value>
    public IReadOnlyList<string> Canny { get; init; } = [];

    /// <summary>Settings of the preprocessor that the user wrote out.</summary>
    /// <value>Default: none.</value>
    public IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>How a photo of another shape is brought to the image's size.</summary>
    /// <value>Default: <see cref="FitMode.Crop"/>.</value>
    public FitMode Fit { get; init; } = FitMode.Crop;

    /// <summary>Size of rows that say none.</summary>
    /// <value>Default: null, what the model was trained with.</value>
    public ImageSize? Size { get; init; }

    /// <summary>Weighting of rows that say none.</summary>
    /// <value>Default: <see cref="ControlWeighting.Uniform"/>.</value>
    public ControlWeighting Weighting { get; init; }

    /// <summary>Precision and device.</summary>
    public LoadOptions Load { get; init; } = new();

    /// <summary>Steps, guidance, sampler, negative prompt of rows that say none; its seed is that of row 0, and row N has N more.</summary>
    public GenerateOptions Options { get; init; } = new();

    /// <summary>How many images are made together at most, 1 to 256.</summary>
    /// <value>Default: 1.</value>
    public int Batch { get; init; } = 1;

    /// <summary>Format of the results: parquet or csv.</summary>
    /// <value>Default: parquet.</value>
    public string Format { get; init; } = "parquet";

    /// <summary>Whether the first row with an error stops the run.</summary>
    /// <value>Default: false.</value>
    public bool Strict { get; init; }

    /// <summary>Whether rows that failed before are tried again.</summary>
    /// <value>Default: false.</value>
    public bool RetryFailed { get; init; }

    /// <summary>Whether the images of earlier calls are compared with their SHA-256, not only with their length.</summary>
    /// <value>Default: false.</value>
    public bool Verify { get; init; }
}
