using ControlNet.ML.Components;
using ControlNet.ML.Conditions;
using ControlNet.ML.Imaging;
using Microsoft.ML;

namespace ControlNet.ML.Soak;

/// <summary>What a program does all day, one thing after the other: every round loads, uses and disposes of everything.</summary>
/// <param name="photo">The file of the photo that conditions are made of.</param>
internal sealed class Rounds(string photo)
{
    private static readonly LoadOptions OnCpu = new() { Device = "cpu" };
    private static readonly GenerateOptions Small = new() { Steps = 2, Width = 64, Height = 64 };

    private readonly ImageBuffer _photo = ImageCodec.Load(photo);

    /// <summary>Images that were made.</summary>
    public int Images { get; private set; }

    /// <summary>Conditions that were made of the photo.</summary>
    public int Conditions { get; private set; }

    /// <summary>Models and networks that were loaded and disposed of.</summary>
    public int Loads { get; private set; }

    /// <summary>Of them, while another thread computed with them.</summary>
    public int DisposalsInUse { get; private set; }

    /// <summary>One of each.</summary>
    public void Run(int round)
    {
        Annotate();
        Generate(round);
        DisposeInUse(round);
        Score(round);
    }

    private void Annotate()
    {
        // All that need no file of the user's: those without networks, and M-LSD, whose networks are embedded.
        foreach (var kind in ConditionCatalog.All.Where(kind => !kind.NeedsFile))
        {
            kind.Apply(_photo);
            Conditions++;
        }
    }

    private void Generate(int round)
    {
        using var model = Count(DiffusionModel.Load("emoji", OnCpu with { Precision = round % 2 == 0 ? Precision.Float32 : Precision.BFloat16 }));
        using var control = Count(ControlNetwork.Load("emoji/canny", OnCpu with { Precision = round % 2 == 0 ? Precision.Float32 : Precision.BFloat16 }));
        for (var i = 0; i < 4; i++)
        {
            model.Generate("fox", [new ControlInput(control, Canny.Apply(_photo))], Small with { Seed = (ulong)i });
            Images++;
        }
    }

    private void DisposeInUse(int round)
    {
        var model = Count(DiffusionModel.Load("emoji", OnCpu));
        using var begun = new SemaphoreSlim(0);
        var work = Task.Run(() => model.Generate("fox", Small with { Steps = 500, Progress = new Told(() => begun.Release()) }));
        for (var i = 0; i < 3 + (round % 5); i++)
            begun.Wait();
        model.Dispose();
        try
        {
            work.GetAwaiter().GetResult();
            throw new InvalidOperationException("An image was finished on a model that was disposed of.");
        }
        catch (ObjectDisposedException)
        {
            DisposalsInUse++;
        }
    }

    private void Score(int round)
    {
        var ml = new MLContext();
        using var model = Count(DiffusionModel.Load("emoji", OnCpu));
        var data = ml.Data.LoadFromEnumerable(Enumerable.Range(0, 3).Select(i => new Row { Prompt = $"emoji {round} {i}" }));
        var generate = ml.Transforms.ControlNet().Generate("Image", "Prompt", model, null, new GenerateComponentOptions { Steps = 1, Width = 32, Height = 32, BatchSize = 2 });
        using var transformer = generate.Fit(data);
        foreach (var made in ml.Data.CreateEnumerable<Made>(transformer.Transform(data), reuseRowObject: false))
        {
            made.Image!.Dispose();
            Images++;
        }
    }

    private T Count<T>(T loaded)
    {
        Loads++;
        return loaded;
    }

    private sealed class Row
    {
        public string Prompt { get; set; } = "";
    }

    private sealed class Made
    {
        [Microsoft.ML.Transforms.Image.ImageType(1, 1)]
        public Microsoft.ML.Data.MLImage? Image { get; set; }
    }

    private sealed class Told(Action tell) : IProgress<GenerationProgress>
    {
        public void Report(GenerationProgress value) => tell();
    }
}
