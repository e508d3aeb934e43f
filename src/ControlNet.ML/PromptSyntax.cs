using ControlNet.ML.Text;

namespace ControlNet.ML;

/// <summary>What brackets and <c>BREAK</c> in a prompt mean.</summary>
public enum PromptSyntax
{
    /// <summary>
    /// The whole prompt is text, brackets included, as in diffusers. The default: a prompt and a seed give diffusers' image.
    /// </summary>
    Plain,

    /// <summary>
    /// The notation of web UIs (<see cref="PromptWeights"/>): <c>(word:1.2)</c>, <c>(word)</c> and <c>[word]</c> weight words,
    /// <c>\(</c> is a bracket, <c>BREAK</c> ends a window. A word's weight multiplies its hidden states; those of the whole window are then
    /// scaled so that their mean is what it was.
    /// </summary>
    Weighted,
}

/// <summary>What becomes of a prompt that is longer than the text encoder takes: 75 tokens for CLIP.</summary>
public enum LongPrompts
{
    /// <summary>
    /// It is encoded in windows (<see cref="PromptWindows"/>), whose hidden states are concatenated: nothing is lost. The default.
    /// </summary>
    Windows,

    /// <summary>It is cut at the end of the first window, with a warning that quotes what was cut: diffusers' images.</summary>
    Truncate,
}
