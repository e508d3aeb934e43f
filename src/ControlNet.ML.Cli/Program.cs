namespace ControlNet.ML.Cli;

internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        var terminal = Terminal.OfProcess();
        using var signals = new StopSignals(terminal);
        return await App.RunAsync(args, terminal, signals.Token).ConfigureAwait(false);
    }
}
