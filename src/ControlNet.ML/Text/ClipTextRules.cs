namespace ControlNet.ML.Text;

/// <summary>
/// Which reference's rules clean a text, split it and merge pairs. The two give the same ids for ordinary prompts. They differ in
/// ideographs, invisible characters and the Greek final sigma, and where a file lists merges in another order than that of training.
/// </summary>
public enum ClipTextRules
{
    /// <summary>As transformers' <c>CLIPTokenizer</c> without ftfy, which diffusers' pipelines run on vocab.json and merges.txt.</summary>
    Slow,

    /// <summary>
    /// As <c>CLIPTokenizerFast</c> and anything else that runs a tokenizer.json. Lone surrogates, which it refuses, become U+FFFD.
    /// </summary>
    Fast,
}
