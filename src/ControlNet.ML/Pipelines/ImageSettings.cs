using ControlNet.ML.Adapters;
using ControlNet.ML.Diffusion;
using ControlNet.ML.Diffusion.Schedulers;

namespace ControlNet.ML.Pipelines;

/// <summary>A request resolved for its model: the options that it left open have values, and all have been checked.</summary>
/// <param name="Width">Width of the image in pixels.</param>
/// <param name="Height">Height of the image in pixels.</param>
/// <param name="Scheduler">The scheduler.</param>
/// <param name="Warnings">Warnings about the image; later stages add to them.</param>
internal sealed record ImageSettings(int Width, int Height, SchedulerConfig Scheduler, List<string> Warnings)
{
    /// <summary>The LoRAs of the networks.</summary>
    public IReadOnlyList<WeightedLora> Loras { get; init; } = [];

    /// <summary>Checks a request before any network runs.</summary>
    /// <exception cref="ArgumentException">A value is outside its range.</exception>
    /// <exception cref="ControlNetException">
    /// The model, networks and inputs do not fit each other, or the image does not fit into memory.
    /// </exception>
    public static ImageSettings Of(DiffusionModel model, GenerateRequest request)
    {
        ArgumentNullException.ThrowIfNull(request.Prompt);
        ArgumentNullException.ThrowIfNull(request.Controls);
        var (options, image, folder) = (request.Options, request.Options.Image, model.Folder);
        Require(options.Validate());
        var scale = folder.Autoencoder.ScaleFactor;
        var width = options.Width ?? (image?.Width / scale * scale) ?? folder.DefaultSize.Width;
        var height = options.Height ?? (image?.Height / scale * scale) ?? folder.DefaultSize.Height;
        Require(ModelRequirements.OfSide(folder, width, "Width") ?? ModelRequirements.OfSide(folder, height, "Height"));
        Require(ModelRequirements.OfClipSkip(folder, options.ClipSkip));
        var scheduler = options.SchedulerConfig ?? SchedulerCatalog.Choose(model.Scheduler, options.Scheduler);
        model.Backend.EnsureFits(width, height, Guidance.Rows(folder.UNet, options.GuidanceScale));
        ModelRequirements.CheckInputs(model.Name, folder, image?.Mask is not null, image?.Depth is not null);
        foreach (var control in request.Controls)
        {
            Require(control.Unit.Validate());
            ModelRequirements.CheckFamily(model, control.Network);
        }

        return new ImageSettings(width, height, scheduler, image?.MaskWarning is { } warning ? [warning] : [])
        {
            Loras = model.Loras.Resolve(options.Loras),
        };

        static void Require(string? problem)
        {
            if (problem is not null)
                throw new ArgumentException(problem);
        }
    }
}
