namespace ControlNet.ML.Torch.Training.Data;

/// <summary>Loads the next batches in the background while the networks process the current one.</summary>
internal sealed class BatchLoader : IDisposable
{
    private const int Ahead = 2;
    private readonly TrainingTable _table;
    private readonly RowReader _reader;
    private readonly RowEncoder _encoder;
    private readonly EpochOrder _order;
    private readonly TrainingOptions _options;
    private readonly int _timesteps;
    private readonly CancellationTokenSource _stop = new();
    private readonly Queue<Task<LoadedBatch>> _coming = [];
    private long _next;

    /// <param name="table">The rows.</param>
    /// <param name="reader">Reads rows.</param>
    /// <param name="encoder">Finds cached encodings.</param>
    /// <param name="options">Batch size, proportion of empty prompts, seed.</param>
    /// <param name="timesteps">Number of training timesteps.</param>
    /// <param name="first">Number of the first batch, counted from the start of the run.</param>
    public BatchLoader(TrainingTable table, RowReader reader, RowEncoder encoder, TrainingOptions options, int timesteps, long first)
    {
        (_table, _reader, _encoder, _options, _timesteps, _next) = (table, reader, encoder, options, timesteps, first);
        _order = new EpochOrder(table.Rows.Count, options.Seed);
        for (var i = 0; i < Ahead; i++)
            Start();
    }

    /// <summary>The next batch.</summary>
    /// <exception cref="ControlNetException">A row cannot be read; the message names it.</exception>
    public LoadedBatch Next()
    {
        var batch = _coming.Dequeue().GetAwaiter().GetResult();
        Start();
        return batch;
    }

    public void Dispose()
    {
        _stop.Cancel();
        try
        {
            Task.WaitAll([.. _coming]);
        }
        catch (AggregateException)
        {
            // Errors of batches that nobody needs any more.
        }

        _stop.Dispose();
    }

    private void Start()
    {
        var number = _next++;
        var token = _stop.Token;
        _coming.Enqueue(Task.Run(() => Load(number, token), token));
    }

    private LoadedBatch Load(long number, CancellationToken cancellationToken)
    {
        var rows = new LoadedRow[_options.BatchSize];
        for (var i = 0; i < rows.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var sample = (number * rows.Length) + i;
            var draws = new SampleDraws(Seeds.Mix(_options.Seed, Seeds.Sample, sample), _options.ProportionEmptyPrompts, _timesteps);
            var row = _reader.Read(_table.Rows[_order[sample]], draws);
            rows[i] = new LoadedRow(row, draws, _encoder.FindMoments(row));
        }

        return new LoadedBatch(number, rows);
    }
}

/// <summary>A batch of rows, encoded only as far as the cache has them.</summary>
/// <param name="Number">Number of the batch, counted from the start of the run.</param>
/// <param name="Rows">Its rows.</param>
internal sealed record LoadedBatch(long Number, LoadedRow[] Rows)
{
    /// <summary>Names the rows in messages.</summary>
    public string Where => Message.List([.. Rows.Select(row => row.Row.Row.Where)]);
}

/// <summary>A row of a batch.</summary>
/// <param name="Row">Its images.</param>
/// <param name="Draws">Its random draws.</param>
/// <param name="Moments">Its posterior, or null if it is not cached.</param>
internal sealed record LoadedRow(ReadRow Row, SampleDraws Draws, float[]? Moments);
