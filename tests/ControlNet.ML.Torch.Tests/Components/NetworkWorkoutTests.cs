using System.Reflection;
using ControlNet.ML.Components;
using ControlNet.ML.Evaluation;
using ControlNet.ML.Imaging;
using ControlNet.ML.Torch.Tests.Training;
using ControlNet.ML.Torch.Training;
using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace ControlNet.ML.Torch.Tests.Components;

/// <summary>Every component that runs networks, by the name of the method that makes it. Conditions have their workouts where they are tested.</summary>
public sealed class NetworkWorkoutTests : IClassFixture<TinyRun>, IDisposable
{
    private const double Rounding = 2e-3;

    private static readonly int[] Ids = [0, 1, 2];

    private readonly MLContext _ml = new();
    private readonly TinyRun _tiny;
    private readonly ControlNetwork _network;
    private readonly int _threads;

    public NetworkWorkoutTests(TinyRun tiny)
    {
        (_tiny, _threads) = (tiny, TorchSharp.torch.get_num_threads());
        _network = ControlNetwork.Load(Fixtures.Path("models", "sd1-control-a"), new LoadOptions { Device = "cpu" });

        // Networks this small are no faster by several threads, which would have to wait for a core.
        TorchSharp.torch.set_num_threads(1);
    }

    private DiffusionModel Model => _tiny.Model;

    private ControlNetTransforms Stages => _ml.Transforms.ControlNet();

    private static DenoiseComponentOptions Denoising => new() { Steps = 2, Guidance = 4, Width = 64, Height = 64, SeedColumn = "Seed", BatchSize = 2 };

    public void Dispose()
    {
        TorchSharp.torch.set_num_threads(_threads);
        _network.Dispose();
    }

    public static TheoryData<string> Components()
    {
        var catalog = typeof(ControlNetTransforms);
        var own = catalog.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly);
        var added = new[] { catalog.Assembly, typeof(ControlNetTrainer).Assembly }.SelectMany(assembly => assembly.GetExportedTypes())
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Static))
            .Where(method => method.GetParameters() is [var first, ..] && (first.ParameterType == catalog || first.ParameterType.Name.EndsWith("Catalog", StringComparison.Ordinal)));
        var makers = own.Concat(added).Where(method => typeof(IEstimator<ITransformer>).IsAssignableFrom(method.ReturnType) && method.ReturnType != typeof(ConditionEstimator));
        return [.. makers.Select(method => method.Name).Distinct()];
    }

    [Theory, MemberData(nameof(Components))]
    public void It_is_a_whole_component(string name) => (name switch
    {
        nameof(ControlNetTransforms.Generate) => (Action)Generate,
        nameof(ControlNetTransforms.EncodeText) => EncodeText,
        nameof(ControlNetTransforms.EncodeCondition) => EncodeCondition,
        nameof(ControlNetTransforms.EncodeImage) => EncodeImage,
        nameof(ControlNetTransforms.Denoise) => Denoise,
        nameof(ControlNetTransforms.DecodeImage) => DecodeImage,
        nameof(ControlNetTransforms.Fidelity) => Fidelity,
        nameof(TrainingCatalog.TrainControlNet) => TrainControlNet,
        _ => throw new InvalidOperationException($"The component {name} has no workout: write one here."),
    })();

    [Fact]
    public void Generating_with_settings_and_a_size_for_each_row_is_whole_too()
    {
        var control = new ControlColumn("Edges", _network) { ScaleColumn = "Scale", StartColumn = "Start", EndColumn = "End", WeightingColumn = "Weighting" };
        Run(progress => Stages.Generate("Image", "Prompt", Model, [control], ImageRows.Own with { BatchSize = 3, Progress = progress, ProvenanceColumn = "How" }), ImageRows.Rows(2, 4, 5), "Image", 1, added: 3);
    }

    [Fact]
    public void So_is_a_chain_of_all_stages() => Run(
        progress => Stages.EncodeCondition("Hint", "Edges", _network, 64, 64)
            .Append(Stages.EncodeText("Text", "Prompt", Model, new() { NegativePrompt = "fox" }))
            .Append(Stages.Denoise("Latents", "Text", Model, [new("Hint", _network)], Denoising))
            .Append(Stages.DecodeImage("Image", "Latents", Model, new() { Progress = progress })),
        ImageRows.Rows(Ids), "Image", 1, Images());

    [Fact]
    public void And_one_from_images_to_latents_and_back() => Run(
        progress => Stages.EncodeImage("Latents", "Edges", Model, new() { Width = 128, Height = 64 })
            .Append(Stages.DecodeImage("Image", "Latents", Model, new() { Progress = progress })),
        ImageRows.Rows(Ids), "Image", 1);

    private void Generate() => Run(
        progress => Stages.Generate("Image", "Prompt", Model, [new("Edges", _network)], ImageRows.Plain with { BatchSize = 2, Progress = progress }),
        ImageRows.Rows(Ids), "Image", 1, Images());

    private void EncodeText() => Run(
        progress => Stages.EncodeText("Text", "Prompt", Model, new() { NegativePromptColumn = "Negative", ClipSkip = 1, Progress = progress }),
        [.. ImageRows.Rows(Ids).Select(row => new TextRow { Id = row.Id, Prompt = row.Prompt, Negative = row.Negative })], "Text", Rounding);

    private void EncodeCondition() => Run(
        progress => Stages.EncodeCondition("Hint", "Edges", _network, 64, 64, new() { Progress = progress }), ImageRows.Rows(Ids), "Hint", Rounding);

    private void EncodeImage() => Run(
        progress => Stages.EncodeImage("Latents", "Edges", Model, new() { Width = 64, Height = 64, Progress = progress }), ImageRows.Rows(Ids), "Latents", Rounding);

    private void Denoise() => Run(
        progress => Stages.Denoise("Latents", "Text", Model, [new("Hint", _network)], Denoising with { Progress = progress }), Encoded<EncodedRow>(), "Latents", Rounding);

    private void DecodeImage() => Run(
        progress => Stages.DecodeImage("Image", "Latents", Model, new() { BatchSize = 2, Progress = progress }), Encoded<LatentsRow>(), "Image", 1, Images());

    private void Fidelity()
    {
        PairRow[] rows = [.. Ids.Select(id => new PairRow { Id = id, Expected = TinyRun.Images(id).Condition.ToMLImage(), Found = TinyRun.Images(id + 1).Condition.ToMLImage() })];
        var scores = rows.Select(row => (row.Id, (float[])[(float)EdgeFidelity.Compare(
            Color.Grey(row.Expected!.ToImageBuffer()), Color.Grey(row.Found!.ToImageBuffer()), tolerance: 1).F1])).ToList();
        Run(progress => Stages.Fidelity("Score", "Expected", "Found", FidelityMetric.EdgeF1, new() { Tolerance = 1, BatchSize = 2, Progress = progress }), rows, "Score", 0, scores);
    }

    private void TrainControlNet()
    {
        var options = _tiny.Options("workout") with { Steps = 1, ValidationRows = 0 };
        var images = Ids.Select(id => new TrainingRow { Id = id, Photo = TinyRun.Images(id).Image.ToMLImage(), Condition = TinyRun.Images(id).Condition.ToMLImage(), Prompt = "square" });
        new ComponentWorkout<TrainingRow>(
            _ml,
            progress => Stages.TrainControlNet(
                "Photo", "Condition", "Prompt", Model, options, generate: new() { Steps = 1, Guidance = 1, Width = 64, Height = 64, Progress = progress }),
            [.. images],
            "Image")
        {
            FitColumns = ["Photo"],
            Tolerance = 1,
        }.Run();
    }

    private void Run<TRow>(Func<IProgress<long>, IEstimator<ITransformer>> make, TRow[] data, string column, double tolerance, List<(int, float[])>? expected = null, int added = 2)
        where TRow : class, new() => new ComponentWorkout<TRow>(_ml, make, data, column) { Tolerance = tolerance, Expected = expected, Added = added }.Run();

    /// <summary>What the model makes of the rows one by one.</summary>
    private List<(int, float[])> Images() => [.. ImageRows.Rows(Ids).Select(row => (row.Id, Cells.Of(Model.Generate(
        row.Prompt,
        [new ControlInput(_network, row.Edges!.ToImageBuffer())],
        new GenerateOptions { Steps = 2, Guidance = 4, Width = 64, Height = 64, Seed = (ulong)row.Seed, NegativePrompt = "fox" }).Image)))];

    /// <summary>What the stages before have made, as data without anything else.</summary>
    private TRow[] Encoded<TRow>()
        where TRow : class, new()
    {
        var data = _ml.Data.LoadFromEnumerable(ImageRows.Rows(Ids));
        var chain = Stages.EncodeCondition("Hint", "Edges", _network, 64, 64)
            .Append(Stages.EncodeText("Text", "Prompt", Model, new() { NegativePrompt = "fox" }))
            .Append(Stages.Denoise("Latents", "Text", Model, [new("Hint", _network)], Denoising));
        return [.. _ml.Data.CreateEnumerable<TRow>(chain.Fit(data).Transform(data), reuseRowObject: false)];
    }

    private sealed class PairRow
    {
        public int Id { get; set; }

        [ImageType(64, 64)]
        public MLImage? Expected { get; set; }

        [ImageType(64, 64)]
        public MLImage? Found { get; set; }
    }

    private sealed class TextRow
    {
        public int Id { get; set; }

        public string Prompt { get; set; } = "";

        public string Negative { get; set; } = "";
    }

    private sealed class EncodedRow
    {
        public int Id { get; set; }

        public long Seed { get; set; }

        [VectorType(2, 77, 16)]
        public float[] Text { get; set; } = [];

        [VectorType(8, 8, 8)]
        public float[] Hint { get; set; } = [];
    }

    private sealed class LatentsRow
    {
        public int Id { get; set; }

        [VectorType(4, 8, 8)]
        public float[] Latents { get; set; } = [];
    }

    private sealed class TrainingRow
    {
        public int Id { get; set; }

        [ImageType(64, 64)]
        public MLImage? Photo { get; set; }

        [ImageType(64, 64)]
        public MLImage? Condition { get; set; }

        public string Prompt { get; set; } = "";
    }
}
