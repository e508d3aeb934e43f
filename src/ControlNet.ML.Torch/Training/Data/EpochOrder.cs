using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Torch.Training.Data;

/// <summary>
/// The order of a run's rows: a new permutation per epoch, determined by the seed alone, so that a run resumed within an epoch continues
/// with the remaining rows. Batches can span two epochs.
/// </summary>
internal sealed class EpochOrder(int count, ulong seed)
{
    private readonly Lock _gate = new();
    private long _epoch = -1;
    private int[] _order = [];

    /// <summary>The row of a sample.</summary>
    /// <param name="sample">Number of the sample, counted from the start of the run, from 0.</param>
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
