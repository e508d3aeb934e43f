using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Torch.Training.Data;

/// <summary>
/// Which row is the n-th of a run: a new permutation for each epoch, by the seed alone, so that a run that resumes in the middle of an epoch
/// goes on with the rows that are left. Batches go on over the end of an epoch.
/// </summary>
internal sealed class EpochOrder(int count, ulong seed)
{
    private readonly Lock _gate = new();
    private long _epoch = -1;
    private int[] _order = [];

    /// <summary>The row of a sample.</summary>
    /// <param name="sample">The number of the sample since the run's begin, from 0.</param>
    public int this[long sample]
    {
        get
        {
            var epoch = sample / count;
            lock (_gate)
            {
                if (epoch != _epoch)
                    (_epoch, _order) = (epoch, new TorchRandom(Seeds.Mix(seed, Seeds.Order, epoch)).Permutation(count));
                return _order[sample % count];
            }
        }
    }
}
