using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Torch.Tests;

/// <summary>
/// Stands for networks where the question is what they are given. Images become the planted posterior, prompts become their token ids,
/// predictions are zeros.
/// </summary>
internal sealed class Recording : IBackendProvider
{
    /// <summary>The mean and log-variance that the autoencoder answers with, of all values; the mean may go by the image.</summary>
    public (Func<TensorData, float> Mean, float LogVariance) Posterior { get; set; } = (_ => 0, -60);

    /// <summary>What the autoencoder was given, in order.</summary>
    public List<TensorData> Images { get; } = [];

    /// <summary>What the condition encoders were given, in order.</summary>
    public List<TensorData> Conditions { get; } = [];

    /// <summary>How often the UNet predicted.</summary>
    public int Predictions { get; private set; }

    /// <summary>Called during each prediction with its number, from 1.</summary>
    public Action<int> Predicting { get; set; } = _ => { };

    public IDiffusionBackend Open(ModelFolder folder, LoadOptions options, CancellationToken cancellationToken) => new Networks(this, folder);

    public IControlBackend OpenControl(ControlNetConfig config, WeightSource weights, LoadOptions options, CancellationToken cancellationToken) => new Control(this, config);

    private sealed class Networks(Recording notes, ModelFolder folder) : IDiffusionBackend, IDenoiser
    {
        public string Description => "recording";

        public TextEmbedding EncodeText(IReadOnlyList<IReadOnlyList<int>> tokens, int? clipSkip)
        {
            float[] ids = [.. tokens[0].Select(id => (float)id)];
            return new TextEmbedding(new TensorData(ids, 1, ids.Length, 1), folder.Index.IsXL ? new TensorData([ids.Sum()], 1, 1) : null);
        }

        public (TensorData Mean, TensorData LogVariance) EncodeImage(TensorData image)
        {
            notes.Images.Add(image.Clone());
            var scale = folder.Autoencoder.ScaleFactor;
            int[] shape = [1, folder.Autoencoder.LatentChannels, image.Shape[2] / scale, image.Shape[3] / scale];
            var (mean, logVariance) = (TensorData.Zeros(shape), TensorData.Zeros(shape));
            Array.Fill(mean.Values, notes.Posterior.Mean(image));
            Array.Fill(logVariance.Values, notes.Posterior.LogVariance);
            return (mean, logVariance);
        }

        public TensorData DecodeImage(TensorData latents) =>
            TensorData.Zeros(latents.Shape[0], 3, latents.Shape[2] * folder.Autoencoder.ScaleFactor, latents.Shape[3] * folder.Autoencoder.ScaleFactor);

        public IDenoiser CreateDenoiser(DenoiserInputs inputs) => this;

        public void Predict(TensorData sample, double timestep, IReadOnlyList<ControlStep> controls, TensorData prediction) => notes.Predicting(++notes.Predictions);

        public void Dispose()
        {
        }
    }

    private sealed class Control(Recording notes, ControlNetConfig config) : IControlBackend
    {
        public ControlNetConfig Config => config;

        public TensorData EncodeCondition(TensorData condition)
        {
            notes.Conditions.Add(condition.Clone());
            return TensorData.Zeros(1, config.BlockOutChannels[0], condition.Shape[2] / 8, condition.Shape[3] / 8);
        }

        public IReadOnlyList<TensorData> Residuals(TensorData sample, double timestep, DenoiserInputs inputs, TensorData hint) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}
