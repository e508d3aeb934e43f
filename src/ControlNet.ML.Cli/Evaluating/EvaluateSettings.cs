using ControlNet.ML.Cli.Scoring;

namespace ControlNet.ML.Cli.Evaluating;

/// <summary>The settings of an evaluation: how images are generated, and how they are measured.</summary>
internal sealed record EvaluateSettings
{
    /// <summary>How the images are generated.</summary>
    public required ScoreSettings Score { get; init; }

    /// <summary>Whether images are generated; otherwise only those of <see cref="Columns"/> are measured.</summary>
    /// <value>Default: true.</value>
    public bool Generate { get; init; } = true;

    /// <summary>Whether images without control are generated, too.</summary>
    /// <value>Default: false.</value>
    public bool Baseline { get; init; }

    /// <summary>Whether images are compared with their conditions.</summary>
    /// <value>Default: true.</value>
    public bool Fidelity { get; init; } = true;

    /// <summary>What finds the conditions in the images: one name for all networks, or one for each.</summary>
    /// <value>Default: empty, those that the conditions were made by, or that the networks' names contain.</value>
    public IReadOnlyList<string> Annotators { get; init; } = [];

    /// <summary>The ONNX files of the learned ones among them.</summary>
    /// <value>Default: empty.</value>
    public IReadOnlyList<string> AnnotatorFiles { get; init; } = [];

    /// <summary>Their settings, NAME=VALUE.</summary>
    /// <value>Default: empty, those that the conditions were made with.</value>
    public IReadOnlyList<string> AnnotatorSettings { get; init; } = [];

    /// <summary>The maximum distance in pixels between matching edge pixels.</summary>
    /// <value>Default: 2.</value>
    public double Tolerance { get; init; } = 2;

    /// <summary>Images made elsewhere, NAME=FOLDER.</summary>
    /// <value>Default: empty.</value>
    public IReadOnlyList<string> Columns { get; init; } = [];

    /// <summary>The real images: a folder, or a column of the table.</summary>
    /// <value>Default: null, none.</value>
    public string? Real { get; init; }

    /// <summary>The graph that extracts features.</summary>
    /// <value>Default: null, none.</value>
    public string? Features { get; init; }

    /// <summary>How images are prepared for it.</summary>
    /// <value>Default: imagenet.</value>
    public string Preparation { get; init; } = "imagenet";

    /// <summary>CLIP's image encoder.</summary>
    /// <value>Default: null, none.</value>
    public string? ClipImage { get; init; }

    /// <summary>CLIP's text encoder.</summary>
    /// <value>Default: null, none.</value>
    public string? ClipText { get; init; }

    /// <summary>The head of the aesthetic score, on CLIP's image encoder.</summary>
    /// <value>Default: null, none.</value>
    public string? Aesthetic { get; init; }

    /// <summary>Number of rows on the contact sheet.</summary>
    /// <value>Default: 8.</value>
    public int SheetRows { get; init; } = 8;
}
