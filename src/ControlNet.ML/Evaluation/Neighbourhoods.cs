using System.Numerics.Tensors;

namespace ControlNet.ML.Evaluation;

/// <summary>
/// The neighbourhoods of a set's images, each as far as the k-th nearest other image, and what of another set lies in them. The standard
/// errors are those of the jackknife, which leaves out each image of both sets in turn: without an image its neighbourhood is gone, and
/// those that reached to it or beyond reach to the next image. All of that is counted in one pass over the distances, in memory for a few
/// numbers an image.
/// </summary>
internal sealed class Neighbourhoods
{
    private readonly FeatureSet _set;
    private readonly int _k;
    private readonly int[][] _nearest;
    private readonly double[] _radius, _nextRadius;

    private Neighbourhoods(FeatureSet set, int k)
    {
        (_set, _k) = (set, k);
        (_nearest, _radius, _nextRadius) = (new int[set.Count][], new double[set.Count], new double[set.Count]);
    }

    /// <summary>Measures the neighbourhoods of a set of more than <paramref name="k"/> images.</summary>
    public static Neighbourhoods Of(FeatureSet set, int k)
    {
        var result = new Neighbourhoods(set, k);
        Parallel.For(0, set.Count, i =>
        {
            var others = new int[set.Count - 1];
            var distances = new double[others.Length];
            for (var j = 0; j < others.Length; j++)
            {
                others[j] = j < i ? j : j + 1;
                distances[j] = TensorPrimitives.Distance(set[i], set[others[j]]);
            }

            Array.Sort(distances, others);
            result._nearest[i] = others[..k];
            result._radius[i] = distances[k - 1];

            // Without a neighbour, the last image of all would leave fewer than k.
            result._nextRadius[i] = k < distances.Length ? distances[k] : double.PositiveInfinity;
        });
        return result;
    }

    /// <summary>
    /// The share of another set's images that lie in a neighbourhood, and the number of neighbourhoods that hold one of them, over k.
    /// </summary>
    public (JackknifedMean Share, JackknifedMean Number) Hold(FeatureSet others)
    {
        var (isHeld, number) = (new double[others.Count], new double[others.Count]);
        var (held, inside) = (new double[_set.Count], new double[_set.Count]);
        var gate = new Lock();
        Parallel.For(0, others.Count, j =>
        {
            List<int> balls = [], shells = [];
            for (var i = 0; i < _set.Count; i++)
            {
                var distance = TensorPrimitives.Distance(_set[i], others[j]);
                if (distance < _radius[i])
                    balls.Add(i);
                else if (distance < _nextRadius[i])
                    shells.Add(i);
            }

            (isHeld[j], number[j]) = (balls.Count > 0 ? 1 : 0, (double)balls.Count / _k);
            lock (gate)
            {
                foreach (var ball in balls)
                    inside[ball] -= 1.0 / _k;
                foreach (var i in shells.SelectMany(shell => _nearest[shell]))
                    inside[i] += 1.0 / _k;
                if (balls.Count == 0)
                {
                    foreach (var i in shells.SelectMany(shell => _nearest[shell]).Distinct())
                        held[i]++;
                }
                else if (balls.Count == 1 && !shells.Exists(shell => _nearest[shell].Contains(balls[0])))
                {
                    held[balls[0]]--;
                }
            }
        });
        return (JackknifedMean.Of(isHeld, held), JackknifedMean.Of(number, inside));
    }

    /// <summary>The share of the neighbourhoods that hold an image of another set.</summary>
    public JackknifedMean AreMet(FeatureSet others)
    {
        var (isMet, enlarged) = (new double[_set.Count], new double[_set.Count]);
        var only = new double[others.Count];
        var gate = new Lock();
        Parallel.For(0, _set.Count, i =>
        {
            var (inside, last, nearest) = (0, 0, double.PositiveInfinity);
            for (var j = 0; j < others.Count; j++)
            {
                var distance = TensorPrimitives.Distance(_set[i], others[j]);
                nearest = Math.Min(nearest, distance);
                if (distance < _radius[i])
                    (inside, last) = (inside + 1, j);
            }

            isMet[i] = inside > 0 ? 1 : 0;
            lock (gate)
            {
                if (inside == 1)
                    only[last]--;
                if (inside == 0 && nearest < _nextRadius[i])
                {
                    foreach (var neighbour in _nearest[i])
                        enlarged[neighbour]++;
                }
            }
        });
        return JackknifedMean.Of(isMet, only, enlarged);
    }
}
