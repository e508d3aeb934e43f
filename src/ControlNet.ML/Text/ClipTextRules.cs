namespace ControlNet.ML.Text;

/// <summary>
/// How a text is cleaned before it is cut into words. The two give the same ids for ordinary prompts and differ in
/// ideographs, invisible characters and the Greek final sigma.
/// </summary>
public enum ClipTextRules
{
    /// <summary>As transformers' <c>CLIPTokenizer</c> without ftfy, which diffusers' pipelines run on vocab.json and merges.txt.</summary>
    Slow,

    /// <summary>As <c>CLIPTokenizerFast</c> and everything that runs a tokenizer.json. Lone surrogates, which it refuses, become U+FFFD.</summary>
    Fast,
}
