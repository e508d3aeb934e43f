using ControlNet.ML.Imaging;
using ControlNet.ML.Torch.Training.Data;

namespace ControlNet.ML.EmojiTraining.Baselines;

/// <summary>A data set's rows as the base model sees them, in memory: latents of scenes and conditions, embedded captions.</summary>
internal sealed class BaseScenes
{
    private readonly FrozenBase _base;
    private readonly Dictionary<string, TensorData> _texts = [];
    private readonly IReadOnlyList<TrainingRow> _rows;
    private readonly TensorData?[] _latents;
    private readonly TensorData?[] _conditions;

    /// <param name="base">The base model.</param>
    /// <param name="data">Data set written by <c>scenes</c>.</param>
    /// <exception cref="ControlNetException">The folder has no rows, or files are missing.</exception>
    public BaseScenes(FrozenBase @base, string data)
    {
        _base = @base;
        _rows = TrainingTable.Open(data).Rows;
        (_latents, _conditions) = (new TensorData?[_rows.Count], new TensorData?[_rows.Count]);
    }

    /// <summary>Number of rows.</summary>
    public int Count => _rows.Count;

    /// <summary>The scene's latents, [1, C, h, w], the posterior's mean.</summary>
    public TensorData Latents(int row) => _latents[row] ??= _base.Encode(ImageCodec.Load(_rows[row].Image));

    /// <summary>The condition's latents: the edge map, encoded as an image.</summary>
    public TensorData ConditionLatents(int row) => _conditions[row] ??= _base.Encode(Condition(row));

    /// <summary>The condition, as it is in the file.</summary>
    public ImageBuffer Condition(int row) => ImageCodec.Load(ConditionFile(row));

    /// <summary>The condition's file, full path.</summary>
    public string ConditionFile(int row) => _rows[row].Condition!;

    /// <summary>The embedded caption, [1, tokens, width].</summary>
    public TensorData Text(int row) => Text(_rows[row].Prompt);

    /// <summary>The caption.</summary>
    public string Prompt(int row) => _rows[row].Prompt;

    /// <summary>The name of the scene's file.</summary>
    public string FileName(int row) => Path.GetFileName(_rows[row].Image);

    private TensorData Text(string prompt) => _texts.TryGetValue(prompt, out var text) ? text : _texts[prompt] = _base.Text(prompt);
}
