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
        var pooled = last[tensor([.. Enumerable.Range(0, (int)ids.shape[0]).Select(row => (long)row)], device: ids.device), EndPositions(ids)];
        return new ClipTextOutput(states, last, pooled, text_projection?.forward(pooled));
    }

    /// <summary>The final layer norm, which clip skip applies to an earlier layer.</summary>
    public Tensor Normalize(Tensor states) => text_model.final_layer_norm.forward(states);

    /// <summary>
    /// Where a row's text ends: its first end-of-text token. Published configurations say eos 2, which was never the tokenizer's; there
    /// it is the row's highest id, as transformers has it.
    /// </summary>
    private Tensor EndPositions(Tensor ids) =>
        (_config.EosTokenId == 2 ? ids : ids.EqualTo(_config.EosTokenId).to(ScalarType.Int32)).argmax(dim: -1);
}

/// <summary>What the text transformer gives.</summary>
/// <param name="States">Embeddings and the output of every layer, N+1 tensors [N, tokens, width], before the final norm.</param>
/// <param name="Last">The last of them after the final norm.</param>
/// <param name="Pooled">Its row at the end of the text, [N, width].</param>
/// <param name="Projected">That through the projection (text_embeds), or null.</param>
internal sealed record ClipTextOutput(IReadOnlyList<Tensor> States, Tensor Last, Tensor Pooled, Tensor? Projected);
