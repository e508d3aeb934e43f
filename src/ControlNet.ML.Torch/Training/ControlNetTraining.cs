using ControlNet.ML.Torch.Training.Data;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Training;

/// <summary>
/// Trains a control network for a locked model (paper section 3). The same call goes on where a run stopped, with the same numbers as if it
/// had not, bit for bit on one machine with one number of threads.
/// </summary>
public static class ControlNetTraining
{
    /// <summary>Trains on a folder of images.</summary>
    /// <param name="model">The base, on torch. It stays the program's, and nothing else can use it meanwhile.</param>
    /// <param name="table">The rows.</param>
    /// <param name="options">How; the folder above all.</param>
    /// <param name="cancellationToken">Ends the run within a batch, also between those that a step accumulates, after its state is written.</param>
    /// <returns>Where the network lies, and how it stands.</returns>
    /// <exception cref="ControlNetException">Options, model, rows or the run's folder are not as they have to be; the loss is no number any more; the memory does not suffice.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed of between two steps.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; the same call goes on.</exception>
    public static TrainingResult Run(DiffusionModel model, TrainingTable table, TrainingOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(options);
        try
        {
            return Train(model, table, options, cancellationToken);
        }
        catch (Exception error) when (ImageMemory.IsExhaustion(error))
        {
            throw new ControlNetException(
                $"Training took more memory than there is; what the last checkpoint in '{options.Folder}' holds is kept. Expected a smaller batch (more gradient accumulation gives the same steps), gradient checkpointing, smaller images, or bfloat16.",
                error);
        }
    }

    private static TrainingResult Train(DiffusionModel model, TrainingTable table, TrainingOptions options, CancellationToken cancellationToken)
    {
        using var setup = TrainingSetup.Create(model, table, options);
        var locked = WeightFiles.Fingerprint(Locked(setup));
        using var folder = TrainingFolder.Open(options.Folder, setup.Record);
        using var run = new TrainingRun(setup, folder);
        var convergence = run.Run(cancellationToken);
        if (WeightFiles.Fingerprint(Locked(setup)) != locked)
            throw new InvalidOperationException("The locked weights have changed. This is a fault of the library.");

        WriteResult(setup, folder);
        return new TrainingResult(folder.Result, setup.State.Step, convergence);
    }

    private static IEnumerable<Tensor> Locked(TrainingSetup setup)
    {
        var learning = setup.State.Decoder.Select(parameter => parameter.Name).ToHashSet();
        return setup.UNet.named_parameters().Where(entry => !learning.Contains(entry.name)).Select(entry => (Tensor)entry.parameter);
    }

    /// <summary>The network, its average where there is one; and the UNet, where its decoder has learnt.</summary>
    private static void WriteResult(TrainingSetup setup, TrainingFolder folder)
    {
        var state = setup.State;
        using var _ = state.ShowAverage();
        WeightFiles.WriteControl(folder.Result, setup.Config, state.Control.Select(parameter => (parameter.Name, parameter.Master)));
        if (state.Decoder.Count == 0)
            return;
        var unet = Directory.CreateDirectory(folder.In("unet")).FullName;
        WeightFiles.WriteText(Path.Combine(unet, "config.json"), File.ReadAllText(Path.Combine(setup.Model.Folder.Folder("unet"), "config.json")));
        WeightFiles.Write(
            Path.Combine(unet, "diffusion_pytorch_model.safetensors"), setup.UNet.named_parameters().Select(entry => (entry.name, (Tensor)entry.parameter)));
    }
}

/// <summary>What came of a run.</summary>
/// <param name="Control">The folder of the control network, in diffusers' layout.</param>
/// <param name="Steps">Steps done.</param>
/// <param name="Convergence">The last look at the held-out rows; null without any.</param>
public sealed record TrainingResult(string Control, long Steps, ConvergenceReading? Convergence);
