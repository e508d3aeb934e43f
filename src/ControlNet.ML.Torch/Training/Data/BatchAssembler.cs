using ControlNet.ML.Imaging;
using ControlNet.ML.Pipelines;
using ControlNet.ML.Torch.Models;
using static TorchSharp.torch;

namespace ControlNet.ML.Torch.Training.Data;

/// <summary>Assembles rows into the networks' input tensors.</summary>
internal sealed class BatchAssembler(RowEncoder encoder, TorchDevice device, bool isXL, bool keeps)
{
    /// <summary>Assembles a training batch: samples from the posteriors, noise, some prompts empty.</summary>
    /// <param name="batch">The rows.</param>
    public TrainingBatch Assemble(LoadedBatch batch)
    {
        var count = batch.Rows.Length;
        int[] shape = [count, .. encoder.LatentShape];
        var (latents, noise) = (TensorData.Zeros(shape), TensorData.Zeros(shape));
        for (var i = 0; i < count; i++)
        {
            var (row, draws, moments) = batch.Rows[i];
            encoder.Sample(moments ?? encoder.Moments(row, keeps), draws, latents.Row(i));
            draws.FillNormal(noise.Row(i));
        }

        return Assemble(
            latents, noise, [.. batch.Rows.Select(row => row.Draws.Timestep)], [.. batch.Rows.Select(row => row.Row.Condition)],
            [.. batch.Rows.Select(row => row.Draws.DropsPrompt ? "" : row.Row.Row.Prompt)], [.. batch.Rows.Select(row => row.Row)]);
    }

    /// <summary>Assembles a batch from its parts.</summary>
    public TrainingBatch Assemble(
        TensorData latents, TensorData noise, int[] timesteps, IReadOnlyList<ImageBuffer> conditions, IReadOnlyList<string> prompts,
        IReadOnlyList<ReadRow> rows)
    {
        var texts = prompts.Select(encoder.Text).ToArray();
        var tokens = texts.Max(text => text.Tokens);
        texts = Array.ConvertAll(texts, text => PromptStates.Pad(text, tokens, () => encoder.Text("")));
        return new TrainingBatch(
            latents.ToTorch(ScalarType.Float32, device.Device),
            noise.ToTorch(ScalarType.Float32, device.Device),
            timesteps,
            cat([.. conditions.Select(condition => TensorImages.ToUnit(condition).ToTorch(device.Type, device.Device))]),
            new UNetInputs(
                Timesteps: zeros(0),
                cat([.. texts.Select(text => text.Hidden.ToTorch(device.Type, device.Device))]),
                texts[0].Pooled is null ? null : cat([.. texts.Select(text => text.Pooled!.ToTorch(device.Type, device.Device))]),
                isXL ? stack([.. rows.Select(row => tensor(Sizes(row), device: device.Device))]) : null));
    }

    /// <summary>SDXL: original height and width, crop top and left, target height and width.</summary>
    private static float[] Sizes(ReadRow row) =>
        [row.SourceHeight, row.SourceWidth, row.Cut.Top, row.Cut.Left, row.Image.Height, row.Image.Width];
}
