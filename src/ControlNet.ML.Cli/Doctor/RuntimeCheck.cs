using ControlNet.ML.Torch;

namespace ControlNet.ML.Cli.Doctor;

/// <summary>Before the first image or training on a machine: checks libtorch, and says once what is wrong and what was done about it.</summary>
internal static class RuntimeCheck
{
    /// <summary>What live progress calls it.</summary>
    public const string Title = "checking libtorch";

    /// <param name="terminal">Where problems are told.</param>
    /// <param name="show">Live progress.</param>
    /// <param name="cancellationToken">Checked between operations.</param>
    public static void Once(Terminal terminal, Action<string, double, double> show, CancellationToken cancellationToken)
    {
        var report = TorchRuntime.VerifyOnce(new DirectProgress<double>(done => show(Title, done, 1)), cancellationToken);
        foreach (var problem in report?.Problems() ?? [])
            terminal.Warn(problem);
    }
}
