using ControlNet.ML.Configuration;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>CLIP's text transformer (CLIPTextModel, and CLIPTextModelWithProjection where the configuration names it).</summary>
internal sealed class ClipTextModel : Module
{
    public readonly ClipTextTransformer text_model;
    public readonly Linear? text_projection;
    private readonly ClipTextConfig _config;

    public ClipTextModel(ClipTextConfig config)
        : base(nameof(ClipTextModel))
    {
        _config = config;
        text_model = new ClipTextTransformer(config);
        text_projection = config.HasProjection ? new Linear(config.HiddenSize, config.ProjectionDim, hasBias: false) : null;
        RegisterComponents();
    }

    /// <param name="ids">Token ids, [N, tokens] int64.</param>
    public ClipTextOutput Forward(Tensor ids)
    {
        var states = text_model.HiddenStates(ids);
        var last = Normalize(states[^1]);
        var pooled = last[
            tensor([.. Enumerable.Range(0, (int)ids.shape[0]).Select(row => (long)row)], device: ids.device), EndPositions(ids)];
        return new ClipTextOutput(states, last, pooled, text_projection?.forward(pooled));
    }

    /// <summary>The final layer norm, which clip skip applies to an earlier layer.</summary>
    public Tensor Normalize(Tensor states) => text_model.final_layer_norm.forward(states);

    /// <summary>
    /// The end of each row's text: its first end-of-text token. Published configurations say eos 2, which is wrong for the tokenizer; then
    /// it is the row's highest id, as in transformers.
    /// </summary>
    private Tensor EndPositions(Tensor ids) =>
        (_config.EosTokenId == 2 ? ids : ids.EqualTo(_config.EosTokenId).to(ScalarType.Int32)).argmax(dim: -1);
}

/// <summary>The output of the text transformer.</summary>
/// <param name="States">
/// Embeddings and the output of every layer, one more tensor than layers, [N, tokens, width], before the final norm.
/// </param>
/// <param name="Last">The last of them after the final norm.</param>
/// <param name="Pooled">The row of <paramref name="Last"/> at the end of the text, [N, width].</param>
/// <param name="Projected">The projection of <paramref name="Pooled"/> (text_embeds), or null.</param>
internal sealed record ClipTextOutput(IReadOnlyList<Tensor> States, Tensor Last, Tensor Pooled, Tensor? Projected);
