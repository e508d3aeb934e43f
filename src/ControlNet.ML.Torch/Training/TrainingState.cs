using System.Text.Json;
using ControlNet.ML.Configuration;
using ControlNet.ML.Torch.Models;
using ControlNet.ML.Weights;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Training;

/// <summary>
/// Everything that later steps depend on: weights, optimiser moments, EMA and the step number, which determines the order of the rows and
/// all random numbers (see <see cref="Seeds"/>). A checkpoint is a folder with <c>config.json</c> and
/// <c>diffusion_pytorch_model.safetensors</c>, a control network ready to use; <c>ema/</c>, the same for the EMA;
/// <c>optimizer.safetensors</c>; <c>unet_decoder.safetensors</c> if the decoder is trained; <c>state.json</c>.
/// </summary>
internal sealed class TrainingState : IDisposable
{
    private const string WeightsName = "diffusion_pytorch_model.safetensors";
    private const string OptimizerName = "optimizer.safetensors";
    private const string DecoderName = "unet_decoder.safetensors";
    private const string StateName = "state.json";
    private const string MeanSuffix = ".exp_avg";
    private const string SquareSuffix = ".exp_avg_sq";
    private readonly ControlNetConfig _config;
    private readonly List<Tensor> _originalDecoder = [];

    /// <param name="config">The network's configuration.</param>
    /// <param name="control">The network to train.</param>
    /// <param name="unet">The base model's UNet.</param>
    /// <param name="options">How the network is trained.</param>
    public TrainingState(ControlNetConfig config, IControlModel control, UNet2DConditionModel unet, TrainingOptions options)
    {
        _config = config;
        Control = [.. control.named_parameters().Select(entry => new TrainableParameter(entry.name, entry.parameter))];
        Decoder = options.SdLocked
            ? []
            : [.. TrainedNetwork.Decoder(unet).Select(entry => new TrainableParameter(entry.Name, entry.Parameter))];
        All = [.. Control, .. Decoder];

        // The model belongs to the caller: Dispose restores the weights of an unlocked decoder, once they are saved.
        _originalDecoder.AddRange(
            TrainedNetwork.Decoder(unet).Take(Decoder.Count).Select(entry => entry.Parameter.detach().clone().DetachFromDisposeScope()));
        Optimizer = new AdamW(All, options.Optimizer);
        Ema = options.EmaDecay is { } decay ? new EmaWeights(All, decay, options.UseEmaWarmup) : null;
    }

    /// <summary>Steps done.</summary>
    public long Step { get; set; }

    /// <summary>The control network's parameters.</summary>
    public IReadOnlyList<TrainableParameter> Control { get; }

    /// <summary>The decoder's parameters; empty if it is locked.</summary>
    public IReadOnlyList<TrainableParameter> Decoder { get; }

    /// <summary>All trained parameters.</summary>
    public IReadOnlyList<TrainableParameter> All { get; }

    /// <summary>The optimiser.</summary>
    public AdamW Optimizer { get; }

    /// <summary>The exponential moving average of the weights, or null.</summary>
    public EmaWeights? Ema { get; }

    /// <summary>Whether a folder is a complete checkpoint.</summary>
    public static bool IsCheckpoint(string folder) => File.Exists(Path.Combine(folder, StateName));

    /// <summary>Deletes <c>state.json</c> first, so that a partly deleted checkpoint no longer counts as one.</summary>
    public static void Invalidate(string folder) => File.Delete(Path.Combine(folder, StateName));

    /// <summary>Writes a checkpoint into an existing empty folder; <c>state.json</c> comes last.</summary>
    public void Write(string folder)
    {
        WeightFiles.WriteControl(folder, _config, Control.Select(p => (p.Name, p.Master)));
        if (Ema is not null)
        {
            WeightFiles.WriteControl(Path.Combine(folder, "ema"), _config, Control.Select(p => (p.Name, Ema.Values[p.Name])));
            if (Decoder.Count > 0)
                WeightFiles.Write(Path.Combine(folder, "ema", DecoderName), Decoder.Select(p => (p.Name, Ema.Values[p.Name])));
        }

        if (Decoder.Count > 0)
            WeightFiles.Write(Path.Combine(folder, DecoderName), Decoder.Select(p => (p.Name, p.Master)));
        WeightFiles.Write(
            Path.Combine(folder, OptimizerName),
            Optimizer.State.SelectMany(
                entry => new[] { (entry.Key + MeanSuffix, entry.Value.Mean), (entry.Key + SquareSuffix, entry.Value.Square) }),
            Optimizer.State.ToDictionary(
                entry => "step." + entry.Key, entry => entry.Value.Step.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        WeightFiles.WriteText(Path.Combine(folder, StateName), JsonSerializer.Serialize(new { step = Step }));
    }

    /// <summary>Reads a checkpoint.</summary>
    /// <exception cref="ControlNetException">The checkpoint is damaged, or of another network.</exception>
    public void Read(string folder)
    {
        var state = Path.Combine(folder, StateName);
        var json = JsonText.ReadObject(state, state);
        Step = json.TryGetProperty("step", out var step) && step.ValueKind == JsonValueKind.Number && step.TryGetInt64(out var number)
            && number >= 0
            ? number
            : throw new ControlNetException($"{state}: has no valid step, expected {{\"step\": 300}}.");
        ReadWeights(Path.Combine(folder, WeightsName), Control, p => p.Master);
        if (Decoder.Count > 0)
            ReadWeights(Path.Combine(folder, DecoderName), Decoder, p => p.Master);
        if (Ema is not null)
        {
            ReadWeights(Path.Combine(folder, "ema", WeightsName), Control, p => Ema.Values[p.Name]);
            if (Decoder.Count > 0)
                ReadWeights(Path.Combine(folder, "ema", DecoderName), Decoder, p => Ema.Values[p.Name]);
        }

        using var file = SafetensorsFile.Open(Path.Combine(folder, OptimizerName));
        foreach (var parameter in All.Where(p => file.Entries.ContainsKey(p.Name + MeanSuffix)))
        {
            if (!file.Metadata.TryGetValue("step." + parameter.Name, out var text) || !int.TryParse(text, out var steps) || steps < 0)
                throw new ControlNetException($"{file.Name}: has no valid step of {Message.Name(parameter.Name)}.");
            var moments = new Moments(steps, zeros_like(parameter.Master).detach(), zeros_like(parameter.Master).detach());
            WeightFiles.Read(file, parameter.Name + MeanSuffix, moments.Mean);
            WeightFiles.Read(file, parameter.Name + SquareSuffix, moments.Square);
            Optimizer.Restore(parameter.Name, moments);
        }

        foreach (var parameter in All)
            parameter.Publish();
    }

    /// <summary>Replaces the weights by their EMA, if there is one, for validation, samples and the result.</summary>
    /// <returns>Restores the weights when disposed.</returns>
    public IDisposable UseEma() => new EmaInUse(this);

    public void Dispose()
    {
        Optimizer.Dispose();
        Ema?.Dispose();
        for (var i = 0; i < Decoder.Count; i++)
        {
            Decoder[i].Overwrite(_originalDecoder[i]);
            _originalDecoder[i].Dispose();
        }

        foreach (var parameter in All)
            parameter.Dispose();
    }

    private static void ReadWeights(string path, IReadOnlyList<TrainableParameter> parameters, Func<TrainableParameter, Tensor> target)
    {
        using var file = SafetensorsFile.Open(path);
        foreach (var parameter in parameters)
            WeightFiles.Read(file, parameter.Name, target(parameter));
    }

    private sealed class EmaInUse : IDisposable
    {
        private readonly TrainingState _state;
        private readonly List<Tensor> _weights = [];

        public EmaInUse(TrainingState state)
        {
            _state = state;
            if (state.Ema is null)
                return;
            using var _ = no_grad();
            foreach (var parameter in state.All)
            {
                _weights.Add(parameter.Master.detach().clone().DetachFromDisposeScope());
                parameter.Master.copy_(state.Ema.Values[parameter.Name]);
                parameter.Publish();
            }
        }

        public void Dispose()
        {
            using var _ = no_grad();
            for (var i = 0; i < _weights.Count; i++)
            {
                _state.All[i].Master.copy_(_weights[i]);
                _state.All[i].Publish();
                _weights[i].Dispose();
            }

            _weights.Clear();
        }
    }
}
