using System.Runtime.CompilerServices;

namespace ControlNet.ML;

/// <content>
/// The same calls on a thread of the pool, for programs whose own thread has to stay free: user interfaces and servers. The networks
/// compute one image or batch at a time, so calls wait for each other here, too.
/// </content>
public sealed partial class DiffusionModel
{
    /// <summary>Loads a model on a thread of the pool.</summary>
    /// <inheritdoc cref="Load(string, LoadOptions?, CancellationToken)"/>
    public static Task<DiffusionModel> LoadAsync(
        string nameOrPath, LoadOptions? options = null, CancellationToken cancellationToken = default) =>
        Task.Run(() => Load(nameOrPath, options, cancellationToken), cancellationToken);

    /// <summary>Generates an image on a thread of the pool, where progress is reported, too.</summary>
    /// <inheritdoc cref="Generate(string, GenerateOptions?, CancellationToken)"/>
    [OverloadResolutionPriority(1)] // GenerateAsync(prompt, null) fits both overloads.
    public Task<GeneratedImage> GenerateAsync(
        string prompt, GenerateOptions? options = null, CancellationToken cancellationToken = default) =>
        GenerateAsync(prompt, [], options, cancellationToken);

    /// <summary>Generates an image with control networks, on a thread of the pool, where progress is reported, too.</summary>
    /// <inheritdoc cref="Generate(string, IReadOnlyList{ControlInput}?, GenerateOptions?, CancellationToken)"/>
    public Task<GeneratedImage> GenerateAsync(
        string prompt,
        IReadOnlyList<ControlInput>? controls,
        GenerateOptions? options = null,
        CancellationToken cancellationToken = default) =>
        Task.Run(() => Generate(prompt, controls, options, cancellationToken), cancellationToken);

    /// <summary>Generates several images in one batch, on a thread of the pool.</summary>
    /// <inheritdoc cref="GenerateBatch"/>
    public Task<IReadOnlyList<GeneratedImage>> GenerateBatchAsync(
        IReadOnlyList<GenerateRequest> requests, CancellationToken cancellationToken = default) =>
        Task.Run(() => GenerateBatch(requests, cancellationToken), cancellationToken);
}
