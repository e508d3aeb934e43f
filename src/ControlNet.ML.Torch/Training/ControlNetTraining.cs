using System.Globalization;
using ControlNet.ML.Torch.Training.Data;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Training;

/// <summary>
/// Trains a control network for a locked model (paper section 3). Repeating a call resumes an interrupted run, with the same numbers as an
/// uninterrupted one, bit for bit on the same machine with the same number of threads.
/// </summary>
public static class ControlNetTraining
{
    /// <summary>Trains on a folder of images.</summary>
    /// <param name="model">
    /// The base model, on torch. The caller keeps ownership; components that use it meanwhile wait for the batch in progress.
    /// </param>
    /// <param name="table">The rows.</param>
    /// <param name="options">How the network is trained, and the run's folder.</param>
    /// <param name="cancellationToken">
    /// Checked before each batch, accumulated ones included; the run then saves a checkpoint and ends.
    /// </param>
    /// <returns>The trained network's folder and the last validation.</returns>
    /// <exception cref="ControlNetException">
    /// Options, model, rows or the run's folder do not fit; the loss is not finite; memory is exhausted.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The model was disposed between two steps.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled; the same call resumes it.</exception>
    public static TrainingResult Run(
        DiffusionModel model, TrainingTable table, TrainingOptions options, CancellationToken cancellationToken = default)
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
                $"Training ran out of memory; the last checkpoint in '{options.Folder}' is intact. Use a smaller batch size (more "
                    + $"gradient accumulation steps give the same result), gradient checkpointing, smaller images, or bfloat16.",
                error);
        }
    }

    private static TrainingResult Train(
        DiffusionModel model, TrainingTable table, TrainingOptions options, CancellationToken cancellationToken)
    {
        using var setup = TrainingSetup.Create(model, table, options);
        var locked = WeightFiles.Fingerprint(Locked(setup));
        using var folder = TrainingFolder.Open(options.Folder, setup.Record);
        using var run = new TrainingRun(setup, folder);
        var convergence = run.Run(cancellationToken);
        if (WeightFiles.Fingerprint(Locked(setup)) != locked)
            throw new InvalidOperationException("The locked weights have changed. This is a bug in the library.");

        WriteResult(setup, folder);
        return new TrainingResult(folder.Result, setup.State.Step, convergence);
    }

    private static IEnumerable<Tensor> Locked(TrainingSetup setup)
    {
        var trained = setup.State.Decoder.Select(parameter => parameter.Name).ToHashSet();
        return setup.UNet.named_parameters().Where(entry => !trained.Contains(entry.name)).Select(entry => (Tensor)entry.parameter);
    }

    /// <summary>Writes the network, its EMA if there is one, and the UNet if its decoder was trained.</summary>
    private static void WriteResult(TrainingSetup setup, TrainingFolder folder)
    {
        var state = setup.State;
        using var _ = state.UseEma();
        WeightFiles.WriteControl(folder.Result, setup.Config, state.Control.Select(parameter => (parameter.Name, parameter.Master)));
        if (state.Decoder.Count == 0)
            return;
        var unet = Directory.CreateDirectory(folder.In("unet")).FullName;
        WeightFiles.WriteText(Path.Combine(unet, "config.json"), setup.Model.Folder.UNet.ToJson());
        WeightFiles.Write(
            Path.Combine(unet, "diffusion_pytorch_model.safetensors"), setup.UNet.named_parameters()
                .Select(entry => (entry.name, (Tensor)entry.parameter)));
    }
}

/// <summary>The result of a run.</summary>
/// <param name="Control">Folder of the control network, in diffusers' layout.</param>
/// <param name="Steps">Steps done.</param>
/// <param name="Convergence">The last validation; null without held-out rows.</param>
public sealed record TrainingResult(string Control, long Steps, ConvergenceReading? Convergence)
{
    /// <summary>
    /// Says that the network does not follow its condition, and what to do; null if it does, or if no rows were held out.
    /// </summary>
    public string? Warning => Convergence is { FollowsCondition: false } reading
        ? string.Create(
            CultureInfo.InvariantCulture,
            $"The network does not follow its condition yet: with exchanged conditions the validation loss differs by only "
                + $"{reading.Gap * 100:f1} % at step {reading.Step:N0}. The gap opens suddenly, often after thousands of steps: train "
                + $"longer, with a larger batch or more gradient accumulation steps, and check that conditions belong to their images.")
        : null;
}
