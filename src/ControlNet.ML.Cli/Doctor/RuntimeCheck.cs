using ControlNet.ML.Torch;

namespace ControlNet.ML.Cli.Doctor;

/// <summary>
/// Checks libtorch before the first image or training on a machine, and warns once of what is wrong and how it was worked around.
/// </summary>
internal static class RuntimeCheck
{
    /// <summary>Its title in live progress.</summary>
    public const string Title = "checking libtorch";

    /// <param name="terminal">Where problems are reported.</param>
    /// <param name="show">Live progress.</param>
    /// <param name="cancellationToken">Checked between operations.</param>
    public static void Once(Terminal terminal, Action<string, double, double> show, CancellationToken cancellationToken)
    {
        var report = TorchRuntime.VerifyOnce(new DirectProgress<double>(done => show(Title, done, 1)), cancellationToken);
        foreach (var problem in report?.Problems() ?? [])
            terminal.Warn(problem);
    }
}
