using System.Diagnostics;
using ControlNet.ML.Torch.Training.Data;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Training;

/// <summary>The loop: batches in, steps of the optimiser out; looks, samples and checkpoints in between.</summary>
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
    private int _above;

    /// <param name="setup">All that is trained with; whoever made it disposes it after the run.</param>
    /// <param name="folder">Where it is written.</param>
    public TrainingRun(TrainingSetup setup, TrainingFolder folder)
    {
        (_setup, _options, _folder, _state) = (setup, setup.Options, folder, setup.State);
        if (folder.Newest() is { } checkpoint)
            Restore(checkpoint);
        _log = new TrainingLog(folder.Log, _options.TensorBoard ? folder.In("tensorboard") : null, _state.Step);
        _loader = new BatchLoader(
            setup.Table, setup.Reader, setup.Encoder, _options, setup.Objective.Timesteps, _state.Step * _options.GradientAccumulationSteps);
    }

    /// <summary>Goes on from a checkpoint; where it is damaged, the message says from which one it would go.</summary>
    private void Restore(string checkpoint)
    {
        try
        {
            _state.Read(checkpoint);
        }
        catch (ControlNetException error)
        {
            var way = _folder.Before(checkpoint) is { } before
                ? $"The one before it is {before}: remove the damaged one, and training goes on from there."
                : "There is none before it: remove it, and training begins anew.";
            throw new ControlNetException($"{checkpoint}: the last checkpoint is damaged: {error.Message} {way}", error);
        }
    }

    /// <summary>Trains to the end, or until it is cancelled; then the state is written first.</summary>
    /// <returns>The last look at the held-out rows, if there was one.</returns>
    /// <exception cref="ControlNetException">A row cannot be read, or the loss is no number; the last checkpoint stays as it is.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled; the same call goes on.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed of between two steps; the last checkpoint stays as it is.</exception>
    public ConvergenceReading? Run(CancellationToken cancellationToken)
    {
        // The first look is the proof that nothing is added yet: both losses are equal.
        if (_state.Step == 0)
            Look(cancellationToken);
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
                    Look(cancellationToken);
                if (_options.SampleEvery > 0 && (_state.Step % _options.SampleEvery == 0 || _state.Step == _options.Steps))
                    Draw(cancellationToken);
                ends = _state.Step == _options.Steps || _above >= 3;
                if (ends || _state.Step % _options.CheckpointingSteps == 0)
                    Save(required: ends);
            }
            catch (OperationCanceledException)
            {
                // In the middle of a step, too: what it had accumulated is done again, from the same rows and the same noise.
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

    /// <summary>A step of the optimiser. Cancellation is seen before every batch that it accumulates.</summary>
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
                $"Step {_state.Step + 1}: the {(double.IsFinite(loss) ? "gradient" : "loss")} is {(double.IsFinite(loss) ? norm : loss)}, expected a number; " +
                $"the rows of its batch are {string.Join("; ", rows)}. The last good state is {_folder.Newest() ?? "the beginning"}. A smaller learning rate may help.");
        }

        var rate = LearningRate.At(_options.LearningRateScheduler, _options.LearningRate, _state.Step, _options.LearningRateWarmupSteps, _options.Steps);
        _state.Optimizer.Step(rate);
        foreach (var parameter in _state.All)
            parameter.Publish();
        _state.Average?.Update((int)Math.Min(int.MaxValue, _state.Step));
        _state.Step++;

        var progress = new TrainingProgress
        {
            Step = _state.Step,
            Steps = _options.Steps,
            Epoch = (double)_state.Step * _options.GradientAccumulationSteps * _options.BatchSize / _setup.Table.Rows.Count,
            Loss = loss,
            MeanLoss = Mean(loss),
            LearningRate = rate,
            GradientNorm = norm,
            Seconds = clock.Elapsed.TotalSeconds,
            EncoderRuns = _setup.Encoder.Runs - encoded,
            PeakBytes = Benchmarks.ProcessMemory.Peak(),
        };
        _log.Write(progress);
        return progress;
    }

    /// <summary>The next batch. If a row cannot be read, what was learnt so far is kept before the run ends.</summary>
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

    private void Look(CancellationToken cancellationToken)
    {
        if (_setup.Monitor is not { } monitor || cancellationToken.IsCancellationRequested)
            return;
        using (_state.ShowAverage())
        {
            using (_setup.Model.Enter(cancellationToken))
                _convergence = monitor.Look(_state.Step);
        }

        _log.Write(_convergence);
        _above = _options.StopAtGap is { } gap && _convergence.Gap >= gap ? _above + 1 : 0;
    }

    private void Draw(CancellationToken cancellationToken)
    {
        if (_setup.Monitor is not { } monitor || _options.Samples == 0 || cancellationToken.IsCancellationRequested)
            return;
        var sheet = Path.Combine(_folder.Samples, FormattableString.Invariant($"step-{_state.Step:D9}.png"));
        using (_state.ShowAverage())
        {
            try
            {
                Directory.CreateDirectory(_folder.Samples);
                SampleSheet.Write(
                    sheet, _setup.Model, _setup.Network, [.. monitor.Rows.Take(_options.Samples)], _options.SampleOptions, _state.Step, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                // The state is written before the run ends, which is worth more than the sheet.
                return;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or ControlNetException)
            {
                _warning = $"Step {_state.Step}: the sample sheet could not be made, training goes on: {error.Message}";
                return;
            }
        }

        _log.Write(sheet, _state.Step);
    }

    /// <summary>Writes a checkpoint. A disk without room is told of and training goes on, unless the run ends with it.</summary>
    private void Save(bool required)
    {
        if (_folder.Newest() is { } newest && newest.EndsWith(FormattableString.Invariant($"step-{_state.Step:D9}"), StringComparison.Ordinal))
            return;
        try
        {
            _folder.Write(_state, _options.CheckpointsTotalLimit);
        }
        catch (Exception error) when (!required && error is IOException or UnauthorizedAccessException or ControlNetException)
        {
            _warning = $"Step {_state.Step}: the checkpoint could not be written, training goes on: {error.Message}";
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
