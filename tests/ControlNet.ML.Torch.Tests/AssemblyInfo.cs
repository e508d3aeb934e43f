// libtorch already uses every core; two tests at once would only take turns, and hold twice the memory.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
