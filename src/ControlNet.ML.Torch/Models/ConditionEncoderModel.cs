using ControlNet.ML.Configuration;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace ControlNet.ML.Torch.Models;

/// <summary>The condition encoder of a control network without the rest of it, for encoding conditions.</summary>
internal sealed class ConditionEncoderModel : Module
{
    public readonly ConditionEncoder controlnet_cond_embedding;
    private readonly ControlNetConfig _config;

    public ConditionEncoderModel(ControlNetConfig config)
        : base(nameof(ConditionEncoderModel))
    {
        _config = config;
        controlnet_cond_embedding = new ConditionEncoder(
            config.ConditioningChannels, config.ConditioningEmbeddingOutChannels, config.BlockOutChannels[0]);
        RegisterComponents();
    }

    /// <summary>As <see cref="ControlNetModel.EncodeCondition(Tensor)"/>.</summary>
    public Tensor EncodeCondition(Tensor condition) => ControlNetModel.EncodeCondition(_config, controlnet_cond_embedding, condition);
}
