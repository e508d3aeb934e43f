using System.Security.Cryptography;
using System.Text;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Imaging;
using ControlNet.ML.Pipelines;

namespace ControlNet.ML.Torch.Training.Data;

/// <summary>
/// Encodes images to posteriors and prompts to embeddings, each only once: encodings are cached on disk, the last prompts in memory too.
/// Images are encoded one at a time, so that a row's numbers do not depend on the rows encoded with it.
/// </summary>
internal sealed class RowEncoder
{
    private const int PromptsInMemory = 512;
    private readonly DiffusionModel _model;
    private readonly EncodingCache? _cache;
    private readonly PromptReading _reading;
    private readonly byte[] _imageSalt;
    private readonly byte[] _textSalt;
    private readonly int _momentCount;
    private readonly Dictionary<string, TextEmbedding> _texts = [];

    /// <param name="model">The base model, whose text encoders and autoencoder are used.</param>
    /// <param name="fingerprint">
    /// Fingerprint of these networks, part of the cache's keys: other networks' encodings are not mistaken for theirs.
    /// </param>
    /// <param name="cache">Cache of encodings, or null.</param>
    /// <param name="width">Image width in pixels.</param>
    /// <param name="height">Image height in pixels.</param>
    /// <param name="syntax">What brackets in prompts mean.</param>
    /// <param name="longPrompts">What becomes of prompts that are longer than the text encoder takes.</param>
    public RowEncoder(
        DiffusionModel model,
        string fingerprint,
        EncodingCache? cache,
        int width,
        int height,
        PromptSyntax syntax = PromptSyntax.Plain,
        LongPrompts longPrompts = LongPrompts.Windows)
    {
        (_model, _cache, _reading) = (model, cache, new PromptReading(syntax, longPrompts));
        var scale = model.Folder.Autoencoder.ScaleFactor;
        LatentShape = [model.Folder.Autoencoder.LatentChannels, height / scale, width / scale];
        _momentCount = 2 * LatentShape[0] * LatentShape[1] * LatentShape[2];
        _imageSalt = Encoding.UTF8.GetBytes($"image {fingerprint} {width}x{height}");

        // A prompt that is cut has the length of one window, so the encodings of its windows are not mistaken for it.
        var read = syntax == PromptSyntax.Plain ? "" : $" {syntax}";
        _textSalt = Encoding.UTF8.GetBytes($"text {fingerprint}{read}\0");
    }

    /// <summary>Channels, height and width of the latents.</summary>
    public int[] LatentShape { get; }

    /// <summary>Number of encoder runs.</summary>
    public long Runs { get; private set; }

    /// <summary>The posterior's mean followed by its log-variance, from the cache, or null. Thread-safe.</summary>
    /// <param name="row">The row.</param>
    public float[]? FindMoments(ReadRow row) => _cache?.Read(ImageKey(row), _momentCount);

    /// <summary>Encodes an image to the mean and log-variance of its posterior.</summary>
    /// <param name="row">The row.</param>
    /// <param name="keep">Whether to cache the result.</param>
    public float[] Moments(ReadRow row, bool keep)
    {
        Runs++;
        var (mean, logVariance) = _model.Backend.EncodeImage(TensorImages.ToSigned(Color.Hwc3(row.Image)));
        float[] moments = [.. mean.Values, .. logVariance.Values];
        if (keep)
            _cache?.Write(ImageKey(row), moments);
        return moments;
    }

    /// <summary>Samples from the posterior, scaled for the UNet.</summary>
    /// <param name="moments">Mean and log-variance.</param>
    /// <param name="draws">Source of random numbers; null for the mean.</param>
    /// <param name="latents">Receives [C, h, w].</param>
    public void Sample(ReadOnlySpan<float> moments, SampleDraws? draws, Span<float> latents)
    {
        if (draws is null)
            latents.Clear();
        else
            draws.FillNormal(latents);
        DiagonalGaussian.Sample(_model.Folder.Autoencoder, moments[..latents.Length], moments[latents.Length..], latents);
    }

    /// <summary>The embedding of a prompt, of as many windows as it needs.</summary>
    public TextEmbedding Text(string prompt)
    {
        if (_texts.TryGetValue(prompt, out var text))
            return text;
        if (_texts.Count >= PromptsInMemory)
            _texts.Clear();
        return _texts[prompt] = FindText(prompt) ?? EncodeText(prompt);
    }

    private TextEmbedding? FindText(string prompt)
    {
        var folder = _model.Folder;
        var (width, pooled) = (folder.UNet.CrossAttentionDim, folder.TextEncoder2?.ProjectionDim ?? 0);
        if (_cache is null)
            return null;
        var tokens = _model.CutPrompt(prompt, _reading)[0].Count * _model.TextTokens;
        if (_cache.Read(TextKey(prompt), (tokens * width) + pooled) is not { } values)
            return null;
        return new TextEmbedding(
            new TensorData(values[..(tokens * width)], 1, tokens, width), pooled == 0
                ? null
                : new TensorData(values[(tokens * width)..], 1, pooled));
    }

    private TextEmbedding EncodeText(string prompt)
    {
        Runs++;
        var text = _model.EncodeText(prompt, syntax: _reading.Syntax, longPrompts: _reading.Long);
        _cache?.Write(TextKey(prompt), [.. text.Hidden.Values, .. text.Pooled?.Values ?? []]);
        return text;
    }

    private byte[] ImageKey(ReadRow row) => SHA256.HashData([.. _imageSalt, .. row.Key]);

    private byte[] TextKey(string prompt) => SHA256.HashData([.. _textSalt, .. Encoding.UTF8.GetBytes(prompt)]);
}
