using ControlNet.ML.Diffusion.Schedulers;
using ControlNet.ML.Text;

namespace ControlNet.ML.Weights;

/// <summary>Where the parts of a model are: in the folders of diffusers' layout, or in a single file.</summary>
internal interface IModelParts
{
    /// <summary>The weight files of a part, in the order of their names.</summary>
    IReadOnlyList<string> Files(string part);

    /// <summary>The settings beside a part's weights that belong to a saved reference.</summary>
    IEnumerable<string> Settings(string part);

    /// <summary>The number of bytes of a part's weights, for the progress of loading.</summary>
    long Length(string part);

    /// <summary>Opens the weights of a part, under diffusers' names.</summary>
    WeightSource OpenWeights(string part);

    /// <summary>Reads a tokenizer.</summary>
    /// <param name="part"><c>tokenizer</c> or <c>tokenizer_2</c>.</param>
    /// <param name="maxPositions">The text encoder's number of positions.</param>
    ClipTokenizer ReadTokenizer(string part, int maxPositions);

    /// <summary>The files of a tokenizer's folder, by name.</summary>
    IEnumerable<(string Name, string Text)> TokenizerFiles(string part);

    /// <summary>The text of a file of the model's folder; null if there is none.</summary>
    string? Text(string name);

    /// <summary>Reads the scheduler's configuration.</summary>
    SchedulerConfig ReadScheduler();
}
