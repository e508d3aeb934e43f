using ControlNet.ML.Weights;

[assembly: ModelPackage(ControlNet.ML.Emoji.EmojiModel.Name, "models/emoji")]

namespace ControlNet.ML.Emoji;

/// <summary>
/// The embedded model: a real latent diffusion model in Stable Diffusion's shape, small enough to ship. <c>DiffusionModel.Load("emoji")</c>
/// finds it by its name; what it draws, and what it was made of, is in its card (README.md in <see cref="Folder"/>).
/// </summary>
public static class EmojiModel
{
    /// <summary>The name it is loaded by.</summary>
    public const string Name = "emoji";

    /// <summary>The folder it lies in, in diffusers' layout.</summary>
    /// <exception cref="ControlNetException">The model's files were not put beside the application.</exception>
    public static string Folder => ModelPackages.FindFolder(Name)!;
}
