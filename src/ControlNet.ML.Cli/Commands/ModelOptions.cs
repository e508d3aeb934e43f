using System.CommandLine;
using ControlNet.ML.Diffusion;

namespace ControlNet.ML.Cli.Commands;

/// <summary>The options of every command that reads a base model: what a single file does not say.</summary>
internal sealed class ModelOptions
{
    private readonly Option<string?> _vae = new("--vae")
    {
        Description = "Autoencoder (VAE) in place of the model's own, or for a file that has none: a file, a folder, or owner/name on the "
            + "hub.",
        HelpName = "path",
    };

    private readonly Option<string?> _config = new("--config")
    {
        Description = "For a model in a single file: a model folder with the configurations, and with parts that the file was pruned of.",
        HelpName = "folder",
    };

    private readonly Option<string?> _prediction = new("--prediction-type")
    {
        Description = "For a model in a single file: what its UNet predicts, where the file does not tell.",
    };

    private readonly Option<bool> _ema = new("--extract-ema")
    {
        Description = "For a model in a single file: use the averaged weights of training (model_ema).",
    };

    /// <summary>The options, with checks of their values.</summary>
    public ModelOptions() => _prediction.AcceptOnlyFromAmong("epsilon", "v_prediction", "sample");

    /// <summary>All options, in the order in which help lists them.</summary>
    public IReadOnlyList<Option> All => [_vae, _config, _prediction, _ema];

    /// <summary>Refuses the options for what is not a base model: they would have no effect.</summary>
    /// <param name="result">The arguments.</param>
    /// <param name="name">What the command is called with, a control network or another file.</param>
    /// <exception cref="UsageException">One of them is given.</exception>
    public void RequireNone(ParseResult result, string name)
    {
        if (All.FirstOrDefault(option => result.GetResult(option) is { Implicit: false }) is { } given)
            throw new UsageException($"{given.Name} is for base models, and {Message.Name(name)} is none.");
    }

    /// <summary>Adds what the user gave to options of loading.</summary>
    public LoadOptions Complete(ParseResult result, LoadOptions options) => options with
    {
        Vae = result.GetValue(_vae),
        Config = result.GetValue(_config),
        PredictionType = result.GetValue(_prediction) switch
        {
            "epsilon" => PredictionType.Epsilon,
            "v_prediction" => PredictionType.Velocity,
            "sample" => PredictionType.Sample,
            _ => null,
        },
        ExtractEma = result.GetValue(_ema),
    };
}
