using ControlNet.ML.Components;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Imaging;
using ControlNet.ML.Torch.Native;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace ControlNet.ML.Torch.Tests.Components;

/// <summary>A row with all that an image can depend on.</summary>
internal sealed class ImageRow
{
    public int Id { get; set; }

    public string Prompt { get; set; } = "";

    public string Negative { get; set; } = "";

    [ImageType(64, 64)]
    public MLImage? Edges { get; set; }

    public long Seed { get; set; }

    public int Steps { get; set; } = 2;

    public float Guidance { get; set; } = 4;

    public double Scale { get; set; } = 1;

    public float Start { get; set; }

    public float End { get; set; } = 1;

    public string Weighting { get; set; } = "";

    public int Width { get; set; } = 64;

    public int Height { get; set; } = 64;
}

/// <summary>What is made of it.</summary>
internal sealed class MadeRow
{
    public int Id { get; set; }

    [ImageType(1, 1)]
    public MLImage? Image { get; set; }

    public string Error { get; set; } = "";
}

/// <summary>The embedded model and its network, opened once, and rows with the images that the model makes of them one by one.</summary>
public sealed class ImageRows : IDisposable
{
    /// <summary>How many different rows there are.</summary>
    public const int Count = 6;

    private readonly Dictionary<(int Id, bool OwnSettings), ImageBuffer> _expected = [];
    private readonly int _threads;

    public ImageRows()
    {
        // Images this small are made no faster by several threads, and far slower where those have to wait for a core.
        TorchNative.EnsureLoaded();
        _threads = TorchSharp.torch.get_num_threads();
        TorchSharp.torch.set_num_threads(1);
        Model = DiffusionModel.Load("emoji", new LoadOptions { Device = "cpu" });
        Canny = ControlNetwork.Load("emoji/canny", new LoadOptions { Device = "cpu" });
    }

    public DiffusionModel Model { get; }

    public ControlNetwork Canny { get; }

    /// <summary>Options that take nothing from columns but seeds.</summary>
    internal static GenerateComponentOptions Plain { get; } = new() { Steps = 2, Guidance = 4, Width = 64, Height = 64, SeedColumn = "Seed", NegativePrompt = "fox" };

    /// <summary>Options that take everything from columns.</summary>
    internal static GenerateComponentOptions Own { get; } = new()
    {
        SeedColumn = "Seed",
        StepsColumn = "Steps",
        GuidanceColumn = "Guidance",
        WidthColumn = "Width",
        HeightColumn = "Height",
        NegativePromptColumn = "Negative",
    };

    internal ControlColumn[] PlainControl => [new("Edges", Canny)];

    internal ControlColumn[] OwnControl =>
        [new("Edges", Canny) { ScaleColumn = "Scale", StartColumn = "Start", EndColumn = "End", WeightingColumn = "Weighting" }];

    internal static ImageRow Row(int id) => new()
    {
        Id = id,
        Prompt = id % 2 == 0 ? "red apple, fluent 3d emoji" : "tiger face, fluent 3d emoji, teal background",
        Negative = id == 3 ? "pizza" : "",
        Edges = Edges(id).ToMLImage(),
        Seed = id == 5 ? -7 : 10 + id,
        Steps = id == 2 ? 3 : 2,
        Guidance = id == 1 ? 1 : 4,
        Scale = id == 4 ? 0 : 1 - (0.1 * id),
        Start = id == 3 ? 0.5f : 0,
        Weighting = id switch { 0 => "resolution", 3 => "guess-original", _ => "" },
        Width = id == 5 ? 72 : 64,
    };

    internal static ImageRow[] Rows(params IEnumerable<int> ids) => [.. ids.Select(Row)];

    /// <summary>What the model makes of a row by itself.</summary>
    internal ImageBuffer Expected(int id, bool ownSettings)
    {
        if (!_expected.TryGetValue((id, ownSettings), out var known))
            _expected.Add((id, ownSettings), known = Generate(Row(id), ownSettings));
        return known;
    }

    public void Dispose()
    {
        Canny.Dispose();
        Model.Dispose();
        TorchSharp.torch.set_num_threads(_threads);
    }

    private ImageBuffer Generate(ImageRow row, bool ownSettings)
    {
        var unit = !ownSettings ? new ControlUnit() : new ControlUnit
        {
            Scale = row.Scale,
            Start = row.Start,
            End = row.End,
            Weighting = row.Weighting switch { "resolution" => ControlWeighting.Resolution, "guess-original" => ControlWeighting.GuessPower, _ => ControlWeighting.Uniform },
        };
        var options = new GenerateOptions { Steps = 2, Guidance = 4, Width = 64, Height = 64, Seed = unchecked((ulong)row.Seed), NegativePrompt = "fox" };
        if (ownSettings)
            options = options with { Steps = row.Steps, Guidance = row.Guidance, Width = row.Width, Height = row.Height, NegativePrompt = row.Negative };
        return Model.Generate(row.Prompt, [new ControlInput(Canny, Edges(row.Id)) { Unit = unit }], options).Image;
    }

    /// <summary>A frame, white on black, at another place for each row.</summary>
    private static ImageBuffer Edges(int id)
    {
        var image = new ImageBuffer(64, 64, 3);
        for (var i = 12 + id; i < 52; i++)
        {
            foreach (var (x, y) in new[] { (i, 12 + id), (i, 51), (12 + id, i), (51, i) })
                image.Row(y).Slice(x * 3, 3).Fill(255);
        }

        return image;
    }
}
