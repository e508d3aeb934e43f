using ControlNet.ML.Configuration;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Weights;

namespace ControlNet.ML.Cli.Tests.Scoring;

/// <summary>
/// Stands for networks where only the bookkeeping is tested. What it predicts for a row depends on the row, and a little on how many are
/// made together: so a run that is gone on with has to make the same rows together again to get the same images.
/// </summary>
internal sealed class PlainBackend : IBackendProvider
{
    /// <summary>Prompts of more different tokens than this fail.</summary>
    private const int MostTokens = 14;

    /// <summary>Rows that were denoised, one or two for each image.</summary>
    public int Rows { get; private set; }

    /// <summary>How many images were made together, largest last.</summary>
    public SortedSet<int> Batches { get; } = [];

    /// <summary>Whether it gives no numbers.</summary>
    public bool IsBroken { get; set; }

    /// <summary>More rows than this do not fit into the memory, which shows in the second step.</summary>
    public int MostTogether { get; set; } = int.MaxValue;

    /// <summary>Told the rows of each step.</summary>
    public Action<int> Stepping { get; set; } = _ => { };

    /// <summary>Told before each image is decoded.</summary>
    public Action<int> Decoding { get; set; } = _ => { };

    public IDiffusionBackend Open(ModelFolder folder, LoadOptions options, CancellationToken cancellationToken) => new Networks(this, folder);

    public IControlBackend OpenControl(ControlNetConfig config, WeightSource weights, LoadOptions options, CancellationToken cancellationToken) => new Control(config);

    private sealed class Networks(PlainBackend notes, ModelFolder folder) : IDiffusionBackend
    {
        private int _decoded;

        public string Description => "plain";

        public TextEmbedding EncodeText(IReadOnlyList<IReadOnlyList<int>> tokens, int? clipSkip)
        {
            if (tokens[0].Distinct().Count() > MostTokens)
                throw new ControlNetException("The prompt is more than this network can bear.");
            return new TextEmbedding(new TensorData([tokens[0].Select((token, i) => (float)(token % 97) * (i % 7)).Sum() / 1000], 1, 1, 1), null);
        }

        public IDenoiser CreateDenoiser(DenoiserInputs inputs)
        {
            notes.Rows += inputs.Text.Shape[0];
            notes.Batches.Add(inputs.Text.Shape[0]);
            return new Denoiser(notes, inputs);
        }

        public (TensorData Mean, TensorData LogVariance) EncodeImage(TensorData image) => (image, image);

        public TensorData DecodeImage(TensorData latents)
        {
            notes.Decoding(_decoded++);
            var (height, width, scale) = (latents.Shape[2], latents.Shape[3], folder.Autoencoder.ScaleFactor);
            var decoded = TensorData.Zeros(1, 3, height * scale, width * scale);

            // The sine keeps them within the range of images, where otherwise all would be black or white and alike.
            for (var i = 0; i < decoded.Count; i++)
                decoded.Values[i] = notes.IsBroken ? float.NaN : MathF.Sin(latents.Values[i % latents.Count]);
            return decoded;
        }

        public void Dispose()
        {
        }
    }

    private sealed class Denoiser(PlainBackend notes, DenoiserInputs inputs) : IDenoiser
    {
        private int _steps;

        public void Predict(TensorData sample, double timestep, IReadOnlyList<ControlStep> controls, TensorData prediction)
        {
            notes.Stepping(sample.Shape[0]);
            if (_steps++ == 1 && sample.Shape[0] > notes.MostTogether)
                throw new ControlNetException("out of memory");
            for (var row = 0; row < sample.Shape[0]; row++)
            {
                var shift = inputs.Text.Values[row] + (0.05f * sample.Shape[0]);
                foreach (var control in controls)
                    shift += control.Scales.Row(row)[0] * inputs.Controls[control.Control].Hint.Row(row)[0];
                for (var i = 0; i < sample.Row(row).Length; i++)
                    prediction.Row(row)[i] = (sample.Row(row)[i] / 2) + shift;
            }
        }

        public void Dispose()
        {
        }
    }

    private sealed class Control(ControlNetConfig config) : IControlBackend
    {
        public ControlNetConfig Config => config;

        public IReadOnlyList<TensorData> Residuals(TensorData sample, double timestep, DenoiserInputs inputs, TensorData hint) => throw new NotSupportedException();

        public TensorData EncodeCondition(TensorData condition) => new([condition.Values.Average()], 1, 1, 1, 1);

        public void Dispose()
        {
        }
    }
}
