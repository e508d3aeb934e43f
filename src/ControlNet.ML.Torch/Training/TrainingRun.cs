using System.Diagnostics;
using ControlNet.ML.Torch.Training.Data;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Training;

/// <summary>The training loop: optimiser steps, with validation, samples and checkpoints in between.</summary>
internal sealed class TrainingRun : IDisposable
{
    private readonly TrainingSetup _setup;
    private readonly TrainingOptions _options;
    private readonly TrainingFolder _folder;
    private readonly TrainingState _state;
    private readonly TrainingLog _log;
    private readonly BatchLoader _loader;
    private readonly Queue<double> _recent = [];
    private ConvergenceReading? _convergence;
    private string? _warning;
    private int _gapsInARow;

    /// <param name="setup">Networks and data; the caller disposes it after the run.</param>
    /// <param name="folder">The run's folder.</param>
    public TrainingRun(TrainingSetup setup, TrainingFolder folder)
    {
        (_setup, _options, _folder, _state) = (setup, setup.Options, folder, setup.State);
        if (folder.Newest() is { } checkpoint)
            Restore(checkpoint);
        _log = new TrainingLog(folder.Log, _options.TensorBoard ? folder.In("tensorboard") : null, _state.Step);
        _loader = new BatchLoader(
            setup.Table, setup.Reader, setup.Encoder, _options, setup.Objective.Timesteps,
            _state.Step * _options.GradientAccumulationSteps);
    }

    /// <summary>Resumes from a checkpoint; if it is damaged, the error names the one before it.</summary>
    private void Restore(string checkpoint)
    {
        try
        {
            _state.Read(checkpoint);
        }
        catch (ControlNetException error)
        {
            var advice = _folder.Before(checkpoint) is { } before
                ? $"Delete it to resume from the one before it, {before}."
                : "There is none before it: delete it to start over.";
            throw new ControlNetException($"{checkpoint}: the last checkpoint is damaged: {error.Message} {advice}", error);
        }
    }

    /// <summary>Trains to the last step, or until cancelled; both save a checkpoint.</summary>
    /// <returns>The last validation; null if there was none.</returns>
    /// <exception cref="ControlNetException">A row cannot be read, or the loss is not finite; the last checkpoint stays.</exception>
    /// <exception cref="OperationCanceledException">The run was cancelled; the same call resumes it.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed between two steps; the last checkpoint stays.</exception>
    public ConvergenceReading? Run(CancellationToken cancellationToken)
    {
        // Before the first step both validation losses are equal: proof that the zero convolutions add nothing.
        if (_state.Step == 0)
            Validate(cancellationToken);
        while (_state.Step < _options.Steps)
        {
            TrainingProgress progress;
            bool ends;
            _setup.Use.Enter();
            try
            {
                cancellationToken.ThrowIfCancellationRequested();
                progress = Step(cancellationToken);
                if (_state.Step % _options.ValidationSteps == 0 || _state.Step == _options.Steps)
                    Validate(cancellationToken);
                if (_options.SampleEvery > 0 && (_state.Step % _options.SampleEvery == 0 || _state.Step == _options.Steps))
                    WriteSamples(cancellationToken);
                ends = _state.Step == _options.Steps || _gapsInARow >= 3;
                if (ends || _state.Step % _options.CheckpointingSteps == 0)
                    Save(required: ends);
            }
            catch (OperationCanceledException)
            {
                // Even within a step: a resumed run accumulates the same rows with the same noise again.
                Save(required: true);
                throw;
            }
            finally
            {
                _setup.Use.Leave();
            }

            _options.Progress?.Report(progress with { Convergence = _convergence, Warning = _warning ?? _log.Failure });
            _warning = null;
            if (ends)
                break;
        }

        return _convergence;
    }

    public void Dispose()
    {
        _loader.Dispose();
        _log.Dispose();
    }

    /// <summary>One optimiser step. Cancellation is checked before each batch that it accumulates.</summary>
    private TrainingProgress Step(CancellationToken cancellationToken)
    {
        using var step = NewDisposeScope();
        var clock = Stopwatch.StartNew();
        var encoded = _setup.Encoder.Runs;
        var loss = 0.0;
        List<string> rows = [];
        foreach (var parameter in _state.All)
            parameter.Clear();
        for (var i = 0; i < _options.GradientAccumulationSteps; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            var loaded = Next();
            rows.Add(loaded.Where);
            using (_setup.Model.Enter(cancellationToken))
            {
                var losses = _setup.Graph.Backward(_setup.Assembler.Assemble(loaded), 1.0 / _options.GradientAccumulationSteps);
                loss += losses.Average(value => (double)value) / _options.GradientAccumulationSteps;
            }

            foreach (var parameter in _state.All)
                parameter.Gather();
        }

        var norm = GradientNorm.Clip(_state.All, _options.MaxGradNorm);
        if (!double.IsFinite(loss) || !double.IsFinite(norm))
        {
            throw new ControlNetException(
                $"Step {_state.Step + 1}: the {(double.IsFinite(loss) ? "gradient" : "loss")} is "
                    + $"{(double.IsFinite(loss) ? norm : loss)}, expected a finite number; " +
                $"the rows of its batch are {string.Join("; ", rows)}. The last checkpoint is {_folder.Newest() ?? "none"}. A lower "
                    + $"learning rate may help.");
        }

        var learningRate = LearningRate.At(
            _options.LearningRateScheduler, _options.LearningRate, _state.Step, _options.LearningRateWarmupSteps, _options.Steps);
        _state.Optimizer.Step(learningRate);
        foreach (var parameter in _state.All)
            parameter.Publish();
        _state.Ema?.Update((int)Math.Min(int.MaxValue, _state.Step));
        _state.Step++;

        var progress = new TrainingProgress
        {
            Step = _state.Step,
            Steps = _options.Steps,
            Epoch = (double)_state.Step * _options.GradientAccumulationSteps * _options.BatchSize / _setup.Table.Rows.Count,
            Loss = loss,
            MeanLoss = Mean(loss),
            LearningRate = learningRate,
            GradientNorm = norm,
            Seconds = clock.Elapsed.TotalSeconds,
            EncoderRuns = _setup.Encoder.Runs - encoded,
            PeakBytes = Benchmarks.ProcessMemory.Peak(),
        };
        _log.Write(progress);
        return progress;
    }

    /// <summary>The next batch. If a row cannot be read, a checkpoint is saved before the run ends.</summary>
    private LoadedBatch Next()
    {
        try
        {
            return _loader.Next();
        }
        catch (ControlNetException)
        {
            if (_state.Step > 0)
                Save(required: false);
            throw;
        }
    }

    private void Validate(CancellationToken cancellationToken)
    {
        if (_setup.Monitor is not { } monitor || cancellationToken.IsCancellationRequested)
            return;
        using (_state.UseEma())
        {
            using (_setup.Model.Enter(cancellationToken))
                _convergence = monitor.Validate(_state.Step);
        }

        _log.Write(_convergence);
        _gapsInARow = _options.StopAtGap is { } gap && _convergence.Gap >= gap ? _gapsInARow + 1 : 0;
    }

    private void WriteSamples(CancellationToken cancellationToken)
    {
        if (_setup.Monitor is not { } monitor || _options.Samples == 0 || cancellationToken.IsCancellationRequested)
            return;
        var sheet = Path.Combine(_folder.Samples, FormattableString.Invariant($"step-{_state.Step:D9}.png"));
        using (_state.UseEma())
        {
            try
            {
                Directory.CreateDirectory(_folder.Samples);
                SampleSheet.Write(
                    sheet,
                    _setup.Model,
                    _setup.Network,
                    [.. monitor.Rows.Take(_options.Samples)],
                    _options.SampleOptions with { PromptSyntax = _options.PromptSyntax, LongPrompts = _options.LongPrompts },
                    _state.Step,
                    cancellationToken);
            }
            catch (OperationCanceledException)
            {
                // The checkpoint that the caller then writes is worth more than the sheet.
                return;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or ControlNetException)
            {
                _warning = $"Step {_state.Step}: the sample sheet could not be written, training continues: {error.Message}";
                return;
            }
        }

        _log.Write(sheet, _state.Step);
    }

    /// <summary>Saves a checkpoint. Unless it is the run's last, a failure such as a full disk is only a warning.</summary>
    private void Save(bool required)
    {
        if (_folder.Newest() is { } newest
            && newest.EndsWith(FormattableString.Invariant($"step-{_state.Step:D9}"), StringComparison.Ordinal))
            return;
        try
        {
            _folder.Write(_state, _options.CheckpointsTotalLimit);
        }
        catch (Exception error) when (!required && error is IOException or UnauthorizedAccessException or ControlNetException)
        {
            _warning = $"Step {_state.Step}: the checkpoint could not be written; training continues: {error.Message}";
        }
    }

    private double Mean(double loss)
    {
        _recent.Enqueue(loss);
        if (_recent.Count > 100)
            _recent.Dequeue();
        return _recent.Average();
    }
}
