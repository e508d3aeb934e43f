using ControlNet.ML.Adapters;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Pipelines;

/// <summary>One image for the denoising loop.</summary>
/// <param name="Row">Text, noise, control.</param>
/// <param name="Scheduler">The scheduler.</param>
/// <param name="Steps">Denoising steps.</param>
internal sealed record DenoisingRequest(DenoisingRow Row, SchedulerConfig Scheduler, int Steps)
{
    /// <summary>The random numbers that the scheduler takes its noise from, as they are before the first step.</summary>
    public required TorchRandom Random { get; init; }

    /// <summary>Receives the progress of the batch whose first request this is.</summary>
    public IProgress<GenerationProgress>? Progress { get; init; }

    /// <summary>The LoRAs that the UNet is run with.</summary>
    public IReadOnlyList<WeightedLora> Loras { get; init; } = [];

    /// <summary>The properties that it must share with the others of its batch.</summary>
    public BatchKey Key => field ??= Row.Key(Scheduler, Steps) with { Loras = LoraLibrary.KeyOf(Loras) };

    /// <summary>
    /// The rows of a batch, which all have the same control networks: rows without a network get it at scale 0. Each call starts from the
    /// same random numbers, so that a batch which failed half-way can be tried again.
    /// </summary>
    public static IReadOnlyList<DenoisingRow> RowsOf(IReadOnlyList<DenoisingRequest> batch)
    {
        var widest = batch.MaxBy(request => request.Key.Networks.Count)!;
        RowControl[] all = [.. widest.Row.Controls.Where(control => control.Unit.TakesPart)];
        return [.. batch.Select(
            request => request.Row with { Controls = Filled(request.Row.Controls, all), NoiseSource = request.Random.Copy() })];
    }

    private static RowControl[] Filled(IReadOnlyList<RowControl> controls, RowControl[] all)
    {
        var own = new Queue<RowControl>(controls.Where(control => control.Unit.TakesPart));
        return Array.ConvertAll(all, control => own.TryPeek(out var next) && next.Network == control.Network
            ? own.Dequeue()
            : control with { Hint = TensorData.Zeros(control.Hint.Shape), Unit = new ControlUnit { Scale = 0 } });
    }
}
