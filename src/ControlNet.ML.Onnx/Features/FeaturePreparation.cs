namespace ControlNet.ML.Onnx;

/// <summary>How images are prepared for a network that turns them into features, as its training prepared them.</summary>
/// <param name="Name">Its name, part of the extractor's.</param>
/// <param name="Images">Size, scaling, mean and standard deviation.</param>
public sealed record FeaturePreparation(string Name, ImagePreparation Images)
{
    /// <summary>
    /// <c>imagenet</c>, torchvision's for classifiers (ResNet): the centre 224 of a shorter side of 256, ImageNet's mean and deviation.
    /// </summary>
    public static FeaturePreparation ImageNet { get; } = new("imagenet", new()
    {
        Size = PreparationSize.CenterCrop,
        Side = 224,
        Margin = 256.0 / 224,
        Filter = PreparationFilter.PillowBilinear,
        Mean = ImagePreparation.ImageNetMean,
        Deviation = ImagePreparation.ImageNetDeviation,
    });

    /// <summary><c>clip</c>, CLIP's: the centre of a shorter side of 224, bicubic, CLIP's own mean and deviation.</summary>
    public static FeaturePreparation Clip { get; } = new("clip", new()
    {
        Size = PreparationSize.CenterCrop,
        Side = 224,
        Filter = PreparationFilter.PillowBicubic,
        Mean = [0.48145466f, 0.4578275f, 0.40821073f],
        Deviation = [0.26862954f, 0.26130258f, 0.27577711f],
    });

    /// <summary>
    /// <c>inception</c>, that of FID's InceptionV3 (pytorch-fid): stretched to 299x299 by torch's bilinear interpolation, -1 to 1.
    /// </summary>
    public static FeaturePreparation Inception { get; } = new("inception", new()
    {
        Side = 299,
        Filter = PreparationFilter.TorchBilinear,
        Mean = [0.5f, 0.5f, 0.5f],
        Deviation = [0.5f, 0.5f, 0.5f],
    });

    /// <summary>All named ones.</summary>
    public static IReadOnlyList<FeaturePreparation> All { get; } = [ImageNet, Clip, Inception];

    /// <summary>Finds one by name.</summary>
    /// <param name="name">Its name; case does not matter.</param>
    /// <returns>The preparation.</returns>
    /// <exception cref="ControlNetException">There is none.</exception>
    public static FeaturePreparation Find(string name) =>
        All.FirstOrDefault(preparation => preparation.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? throw new ControlNetException(
            $"There is no preparation {Message.Name(name ?? "")}, expected {Message.Choice([.. All.Select(each => each.Name)])}.");
}
