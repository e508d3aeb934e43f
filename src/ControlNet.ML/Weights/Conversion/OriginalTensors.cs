using ControlNet.ML.Weights.SingleFiles;

namespace ControlNet.ML.Weights.Conversion;

/// <summary>The tensors of a model's part in the original naming of its family.</summary>
internal static class OriginalTensors
{
    /// <summary>The tensors to write.</summary>
    /// <param name="model">The model.</param>
    /// <param name="part">The part.</param>
    /// <param name="weights">Its weights.</param>
    /// <param name="type">The element type, or null to keep it.</param>
    /// <param name="written">Receives the number of bytes read.</param>
    public static IEnumerable<TensorContent> Of(
        ModelFolder model, string part, WeightSource weights, TensorType? type, Action<long> written)
    {
        var isOpenClip = part == "text_encoder_2" || (part == "text_encoder" && !model.Index.IsXL && model.TextEncoder.HiddenAct == "gelu");
        if (isOpenClip)
            return OpenClip(
                WeightLoader.Match(weights, model.MapOf(part)),
                part == "text_encoder_2" ? CheckpointKeys.SecondOpenClipPrefix : CheckpointKeys.OpenClipPrefix,
                type,
                written);
        var map = part switch
        {
            "unet" => KeyMap.For(model.UNet),
            "vae" => KeyMap.For(model.Autoencoder),
            _ => KeyMap.For(model.TextEncoder, model.Index.IsXL ? KeyMap.FirstTextEncoderPrefix : KeyMap.TextEncoderPrefix),
        };
        return WeightLoader.Match(weights, map).Zip(
            map.Tensors, (tensor, layout) => ConvertedTensor.Of(layout.Original, layout.OriginalShape, tensor, type, written));
    }

    private static IEnumerable<TensorContent> OpenClip(
        IReadOnlyList<WeightTensor> tensors, string prefix, TensorType? type, Action<long> written)
    {
        var places = tensors.Select(tensor => (Tensor: tensor, Place: OpenClipLayout.Of(tensor.Name)));
        foreach (var group in places.GroupBy(entry => entry.Place.Key))
        {
            var name = prefix + group.Key;
            var parts = group.OrderBy(entry => entry.Place.Third).Select(entry => entry.Tensor).ToArray();
            if (parts is [var one])
                yield return group.Single().Place.IsTransposed
                    ? ConvertedTensor.Transposed(name, one, type, written)
                    : ConvertedTensor.Of(name, one.Shape, one, type, written);
            else
                yield return ConvertedTensor.Fused(
                    name, [parts.Sum(tensor => tensor.Shape[0]), .. parts[0].Shape[1..]], parts, type, written);
        }
    }
}
