using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using ControlNet.ML.Configuration;
using ControlNet.ML.Text;

namespace ControlNet.ML.Weights.Conversion;

/// <summary>
/// The settings of a model in diffusers' layout: every file but the weights, by its path with slashes. A converted folder has them as
/// files, a converted single file in its header's metadata, so that nothing has to be guessed when it is read again.
/// </summary>
internal static class SettingsFiles
{
    /// <summary>The prefix of their names in a single file's metadata.</summary>
    public const string Prefix = "diffusers:";

    private const string Vocabulary = "vocab.json", Merges = "merges.txt", TokenizerConfig = "tokenizer_config.json";

    private static readonly string[] OfTokenizer =
        [Vocabulary, Merges, "tokenizer.json", TokenizerConfig, "special_tokens_map.json", "added_tokens.json"];

    private static readonly string[] Others =
    [
        ModelFolder.IndexName, GenerationConfig.FileName, "unet/config.json", "vae/config.json", "text_encoder/config.json",
        "text_encoder_2/config.json", "scheduler/scheduler_config.json",
    ];

    private static readonly JsonSerializerOptions Json =
        new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Whether a name is that of such a file: no other is ever written.</summary>
    public static bool IsOne(string name) => Others.Contains(name)
        || (name.Split('/') is ["tokenizer" or "tokenizer_2", var file] && OfTokenizer.Contains(file));

    /// <summary>A model's settings.</summary>
    /// <param name="model">The model.</param>
    /// <returns>The contents by path.</returns>
    public static Dictionary<string, string> Of(ModelFolder model)
    {
        var files = new Dictionary<string, string>
        {
            [ModelFolder.IndexName] = IndexOf(model),
            ["unet/config.json"] = model.UNet.ToJson(),
            ["vae/config.json"] = model.Autoencoder.ToJson(),
            ["text_encoder/config.json"] = model.TextEncoder.ToJson(),
            ["scheduler/scheduler_config.json"] = model.ReadScheduler().ToJson(),
        };
        if (model.TextEncoder2 is { } second)
            files["text_encoder_2/config.json"] = second.ToJson();
        foreach (var part in model.Index.Parts.Where(part => part.StartsWith("tokenizer", StringComparison.Ordinal)))
        {
            foreach (var (name, text) in model.TokenizerFiles(part))
                files[$"{part}/{name}"] = text;
        }

        if (model.GenerationFile is { } generation)
            files[GenerationConfig.FileName] = generation;
        return files;
    }

    /// <summary>The files of a tokenizer's folder.</summary>
    public static IEnumerable<(string Name, string Text)> OfTokenizerFolder(string folder)
    {
        foreach (var name in OfTokenizer)
        {
            var path = Path.Combine(folder, name);
            if (File.Exists(path))
                yield return (name, Encoding.UTF8.GetString(RegularFile.ReadAll(path, path, 1 << 26, "text")));
        }
    }

    /// <summary>The files of a tokenizer with CLIP's own vocabulary.</summary>
    /// <param name="padToken">The padding token.</param>
    /// <param name="length">The number of ids in a prompt.</param>
    public static IEnumerable<(string Name, string Text)> OfClip(string padToken, int length)
    {
        yield return (Vocabulary, JsonSerializer.Serialize(ClipVocabulary.Shared.Vocabulary, Json));
        yield return (Merges, ClipVocabulary.MergesText);
        yield return (TokenizerConfig, new JsonObject
        {
            ["add_prefix_space"] = false,
            ["bos_token"] = ClipWords.Start,
            ["do_lower_case"] = true,
            ["eos_token"] = ClipWords.End,
            ["errors"] = "replace",
            ["model_max_length"] = length,
            ["pad_token"] = padToken,
            ["tokenizer_class"] = "CLIPTokenizer",
            ["unk_token"] = ClipWords.End,
        }.ToJsonString(Json));
    }

    /// <summary>The settings as metadata of a single file. CLIP's own vocabulary is left out: it comes with this library.</summary>
    public static Dictionary<string, string> ToMetadata(Dictionary<string, string> files)
    {
        var metadata = new Dictionary<string, string>();
        foreach (var (name, text) in files)
        {
            var isClip = name.Split('/') is [var part, Vocabulary or Merges] && files.TryGetValue($"{part}/{Merges}", out var merges)
                && merges.ReplaceLineEndings("\n").Trim() == ClipVocabulary.MergesText.ReplaceLineEndings("\n").Trim();
            if (!isClip)
                metadata[Prefix + name] = text;
        }

        return metadata;
    }

    /// <summary>Whether a single file's metadata has settings.</summary>
    public static bool AreIn(IReadOnlyDictionary<string, string> metadata) => metadata.ContainsKey(Prefix + ModelFolder.IndexName);

    /// <summary>Writes the settings in a single file's metadata as files, for reading.</summary>
    /// <param name="metadata">The metadata.</param>
    /// <param name="folder">The folder.</param>
    public static void Unpack(IReadOnlyDictionary<string, string> metadata, string folder)
    {
        foreach (var (key, text) in metadata)
        {
            if (key.StartsWith(Prefix, StringComparison.Ordinal) && key[Prefix.Length..] is var name && IsOne(name))
                Write(name, text);
        }

        foreach (var part in (string[])["tokenizer", "tokenizer_2"])
        {
            var files = Path.Combine(folder, part);
            var isComplete = Array.Exists([Vocabulary, "tokenizer.json"], name => File.Exists(Path.Combine(files, name)));
            if (!Directory.Exists(files) || isComplete)
                continue;
            foreach (var (name, text) in OfClip(ClipWords.End, 77).Where(file => file.Name is Vocabulary or Merges))
                Write($"{part}/{name}", text);
        }

        void Write(string name, string text)
        {
            var path = Path.Combine(folder, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, text);
        }
    }

    private static string IndexOf(ModelFolder model)
    {
        if (model.IndexFile is { } text)
            return text;
        var index = new JsonObject { ["_class_name"] = model.Index.ClassName };
        foreach (var part in model.Index.Parts)
            index[part] = new JsonArray(
                part.StartsWith('t') ? "transformers" : "diffusers",
                part switch
                {
                    "unet" => "UNet2DConditionModel",
                    "vae" => "AutoencoderKL",
                    "text_encoder" => "CLIPTextModel",
                    "text_encoder_2" => "CLIPTextModelWithProjection",
                    "scheduler" => model.ReadScheduler().ClassName,
                    _ => "CLIPTokenizer",
                });
        return index.ToJsonString(Json);
    }
}
