using System.Diagnostics;

namespace ControlNet.ML.Pipelines;

/// <summary>
/// Finds the batch size that takes the least time per image: 1, 2, 4 and so on, as long as the images fit into memory together and more of
/// them save time. The smallest of those that are about as fast, which needs the least memory.
/// </summary>
/// <param name="model">The model, whose gate the caller holds.</param>
internal sealed class BatchSizeMeter(DiffusionModel model)
{
    // Less would be noise, and doubles the memory.
    private const double LeastGain = 0.03;

    // The fastest of so many steps counts: others may have been disturbed.
    private const int LeastSteps = 3;
    private static readonly TimeSpan LeastTime = TimeSpan.FromSeconds(0.3);

    /// <summary>Measures.</summary>
    /// <param name="request">An image like those to generate.</param>
    /// <param name="most">The largest size to try.</param>
    /// <param name="cancellationToken">Checked before each denoising step.</param>
    public int Measure(GenerateRequest request, int most, CancellationToken cancellationToken)
    {
        var pipeline = new GenerationPipeline(model);
        request = request with { Options = request.Options with { Progress = null } };
        var image = pipeline.Prepare(request, new PromptEncoder(model), stepping: null, cancellationToken).Denoising;
        var (best, least) = (1, double.PositiveInfinity);

        // One size without a gain may be chance, two in succession are not.
        for (int size = 1, worse = 0; size <= most && worse < 2; size *= 2)
        {
            if (Seconds(size) / size is not { } each)
                break;
            worse = each > least * (1 - LeastGain) ? worse + 1 : 0;
            if (worse == 0)
                (best, least) = (size, each);
        }

        return best;

        // The seconds of the fastest step; null if it does not fit.
        double? Seconds(int size)
        {
            try
            {
                using var steps = pipeline.Steps([.. Enumerable.Repeat(image, size)], cancellationToken).GetEnumerator();
                var clock = Stopwatch.StartNew();
                steps.MoveNext();
                var (fastest, count, last) = (clock.Elapsed, 0, TimeSpan.Zero);

                // The first step also places the weights, and counts only where it is the only one.
                clock.Restart();
                for (; (count < LeastSteps || last < LeastTime) && steps.MoveNext(); count++)
                {
                    var step = clock.Elapsed - last;
                    fastest = count == 0 || step < fastest ? step : fastest;
                    last = clock.Elapsed;
                }

                return fastest.TotalSeconds;
            }
            catch (ControlNetException) when (size > 1)
            {
                return null;
            }
        }
    }
}
